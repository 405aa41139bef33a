using Hopseal.Smtp.Sasl;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>What became of one AUTH command.</summary>
abstract record AuthOutcome
{
    AuthOutcome()
    {
    }

    public sealed record Succeeded(string User) : AuthOutcome;

    /// <param name="Fault">What our own side threw, if it did.</param>
    public sealed record Refused(SmtpReply Reply, Exception? Fault = null) : AuthOutcome;

    public sealed record Over(Ending Ending) : AuthOutcome;
}

/// <summary>The exchange behind AUTH (RFC 4954 §4): 334 and base64 in turn. Nothing of it reaches the transcript.</summary>
sealed class AuthDialogue(CommandChannel channel, ServerOptions options, TimeProvider clock)
{
    /// <summary>RFC 4954 §4, with its CRLF.</summary>
    public const int MaxLineOctets = 12288;

    static readonly TimeSpan s_firstDelay = TimeSpan.FromSeconds(1);
    static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(30);

    /// <summary>Wrong credentials so far; guessing becomes slower with each.</summary>
    public int Failures { get; private set; }

    public async ValueTask<AuthOutcome> RunAsync(string mechanism, ReadOnlyMemory<byte>? response, CancellationToken abort)
    {
        if (SaslServerExchange.Start(mechanism, options.Credentials!) is not { } exchange)
        {
            return new AuthOutcome.Refused(ServerReplies.UnknownMechanism);
        }

        while (true)
        {
            SaslStep step;
            channel.Disarm();
            try
            {
                step = await exchange.NextAsync(response, abort);
            }
            catch (Exception error) when (!abort.IsCancellationRequested)
            {
                return new AuthOutcome.Refused(ServerReplies.AuthFault, error);
            }

            switch (step)
            {
                case SaslStep.Succeeded success:
                    return new AuthOutcome.Succeeded(success.User);
                case SaslStep.Failed { Malformed: true }:
                    return new AuthOutcome.Refused(ServerReplies.AuthMalformed);
                case SaslStep.Failed:
                    return await FailAsync(abort);
            }

            channel.Say(new SmtpReply(334, Convert.ToBase64String(((SaslStep.Challenge)step).Octets.Span)), "334 (challenge)");
            (response, var outcome) = await ReadAsync();
            if (outcome is not null)
            {
                return outcome;
            }
        }
    }

    /// <summary>The client's next message, or why there is none.</summary>
    async ValueTask<(ReadOnlyMemory<byte>? Response, AuthOutcome? Outcome)> ReadAsync()
    {
        channel.Arm(options.CommandTimeout);
        var line = await channel.ReadLineAsync(MaxLineOctets);
        switch (line.Status)
        {
            case LineStatus.End:
                return (null, new AuthOutcome.Over(Endings.OfStream(channel.Stream)));
            case LineStatus.BareLineBreak:
                return (null, new AuthOutcome.Over(Endings.BareLineBreak));
            case LineStatus.TooLong:
                return (null, new AuthOutcome.Refused(ServerReplies.AuthLineTooLong));
        }

        channel.Transcript?.Client("(credentials)");
        return line.Octets.Span.SequenceEqual("*"u8) ? (null, new AuthOutcome.Refused(ServerReplies.AuthCancelled))
            : SmtpCommandParser.TryBase64(line.Octets.Span, out var octets) ? (octets, null)
            : (null, new AuthOutcome.Refused(SmtpCommandParser.NotBase64));
    }

    async ValueTask<AuthOutcome> FailAsync(CancellationToken abort)
    {
        Failures++;
        await Task.Delay(DelayAfter(Failures), clock, abort);
        return Failures >= options.MaxAuthenticationFailures
            ? new AuthOutcome.Over(new Ending(SessionEnd.TooManyAuthenticationFailures, ServerReplies.TooManyAuthenticationFailures))
            : new AuthOutcome.Refused(ServerReplies.AuthFailed);
    }

    static TimeSpan DelayAfter(int failures)
    {
        var delay = s_firstDelay * Math.Pow(2, Math.Min(failures - 1, 10));
        return delay < s_longestDelay ? delay : s_longestDelay;
    }
}

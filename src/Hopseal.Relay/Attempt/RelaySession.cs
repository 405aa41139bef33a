using System.Collections.Immutable;
using System.Net;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Attempt;

/// <summary>One connection of an attempt, from connect to close, and its record.</summary>
sealed class RelaySession(RelayAttempt attempt, HostPlan planned, IPEndPoint peer, TlsStart start)
{
    readonly HostPlan _plan = attempt.AsOfNow(planned);
    readonly Transcript? _transcript = attempt.Options.KeepTranscripts ? new Transcript() : null;
    TlsOutcome? _tls;
    SessionFault? _fault;
    int _delivered;
    int _bounced;
    int _mayBeDelivered;

    /// <summary>May have risen since the plan was made; never falls.</summary>
    public SecurityFloor Floor => _plan.Floor;

    /// <summary>Enters a verdict for the recipients it concerns and returns where to go on. Records the session however it
    /// ends.</summary>
    /// <exception cref="OperationCanceledException">The attempt was broken off.</exception>
    public async Task<NextStep> RunAsync(CancellationToken cancel)
    {
        var clock = attempt.Options.Client.Clock;
        var startedAt = clock.GetUtcNow();
        var started = clock.GetTimestamp();
        var open = attempt.Ledger.Open.Length;
        var ended = false;
        try
        {
            var next = await OpenAsync(cancel);
            ended = true;
            return next;
        }
        finally
        {
            if (!ended)
            {
                var phase = _tls is null ? SmtpPhase.Connect : SmtpPhase.Content;
                _fault ??= new SessionFault(phase, FaultKind.ConnectionLost, null, "the session was ended by this gateway");
            }

            attempt.Record(new SessionRecord.Outbound(
                attempt.Lease.Id,
                attempt.Lease.Domain,
                attempt.Lease.AttemptNumber,
                _plan,
                start,
                _fault,
                _delivered,
                open - _delivered - _bounced,
                _bounced,
                _mayBeDelivered,
                _transcript)
            {
                SessionId = QueueId.Next(clock).Text,
                StartedAt = startedAt,
                Elapsed = clock.GetElapsedTime(started),
                Peer = peer,
                Tls = _tls,
            });
        }
    }

    /// <summary>Step 8: secure.</summary>
    async Task<NextStep> OpenAsync(CancellationToken cancel)
    {
        var demand = new TlsDemand(_plan.Floor, _plan.Host.Name?.Ascii ?? "", attempt.Options.Verify(_plan), start);
        var clearance = await SmtpClientConnection.OpenAsync(peer, demand, attempt.ClientOptions(_transcript), cancel);
        if (clearance is Clearance.Granted granted)
        {
            _tls = granted.Tls;
            await using var channel = granted.Channel;
            if (granted.Tls is TlsOutcome.Encrypted encrypted)
            {
                attempt.Options.Proven?.Invoke(_plan, encrypted);
            }

            return await SendAsync(channel, granted.Tls, cancel);
        }

        (_tls, _fault) = clearance switch
        {
            Clearance.Denied denied => (denied.Tls, null),
            Clearance.Unavailable unavailable => (unavailable.Tls, unavailable.Fault),
            _ => throw new InvalidOperationException($"unknown clearance {clearance}"),
        };
        var verdict = ReplyVerdict.OfSession(_plan, peer.Address, start, clearance, attempt.Lease.EarlierTlsFailure);
        attempt.TlsFailed |= verdict.TlsFailed;
        attempt.Ledger.EnterAll(verdict);
        return verdict.Next;
    }

    /// <summary>Step 9: send. One transaction after the other while all goes well.</summary>
    async Task<NextStep> SendAsync(TransactionChannel channel, TlsOutcome tls, CancellationToken cancel)
    {
        foreach (var chunk in attempt.Ledger.Open.Chunk(attempt.Options.MaxRecipients))
        {
            if (!channel.Usable)
            {
                attempt.Ledger.EnterAll(ReplyVerdict.OfEndedSession(_plan, peer.Address));
                return NextStep.NextAddress;
            }

            var verdict = await SendAsync(channel, tls, chunk, cancel);
            if (verdict.Next != NextStep.Stop)
            {
                // What is not final is not about one recipient: it holds for the other transactions too.
                attempt.Ledger.EnterAll(verdict);
                return verdict.Next;
            }
        }

        return NextStep.Stop;
    }

    /// <returns>The last verdict that is not final, or else the last one.</returns>
    async Task<Verdict> SendAsync(TransactionChannel channel, TlsOutcome tls, int[] chunk, CancellationToken cancel)
    {
        var lease = attempt.Lease;
        var envelope = lease.Pending with { Recipients = [.. chunk.Select(position => attempt.Ledger[position])] };
        ImmutableArray<RecipientResult> results;
        await using (var content = await attempt.OpenContentAsync(cancel))
        {
            results = await channel.SendAsync(envelope, content, lease.Size, cancel);
        }

        // Step 10: judge.
        Verdict? open = null;
        var last = ReplyVerdict.OfEndedSession(_plan, peer.Address);
        for (var i = 0; i < chunk.Length; i++)
        {
            last = ReplyVerdict.OfRecipient(_plan, peer.Address, tls, results[i]);
            attempt.Ledger.Enter(chunk[i], last);
            Count(results[i], last);
            open = last.Next == NextStep.Stop ? open : last;
        }

        return open ?? last;
    }

    void Count(RecipientResult result, Verdict verdict)
    {
        switch (verdict.Outcome)
        {
            case RecipientOutcome.Delivered:
                _delivered++;
                break;
            case RecipientOutcome.Bounced when verdict.Next == NextStep.Stop:
                _bounced++;
                break;
        }

        if (result is RecipientResult.Interrupted interrupted)
        {
            _fault ??= interrupted.Fault;
            _mayBeDelivered += interrupted.MayBeDelivered ? 1 : 0;
        }
    }
}

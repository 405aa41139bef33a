using System.Collections.Immutable;
using System.Text;
using Hopseal.Dns;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tests.Tls;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Client;

/// <summary>What the client tests have in common.</summary>
static class ClientScripts
{
    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static ClientOptions Options(ClientCredentials? credentials = null, TimeProvider? clock = null) => new()
    {
        Hostname = "client.test",
        Clock = clock ?? TimeProvider.System,
        ConnectTimeout = clock is null ? TimeSpan.FromSeconds(30) : TimeSpan.FromDays(1), // a test that turns the clock means another wait
        Credentials = credentials,
        Transcript = new Transcript(),
    };

    public static TlsDemand Plaintext { get; } = Demands.Any(start: TlsStart.None);

    public static Mailbox Box(string address)
    {
        var at = address.LastIndexOf('@');
        var domain = address[(at + 1)..];
        return new Mailbox(address[..at], DomainName.Parse(domain), DomainText: Ascii.IsValid(domain) ? null : domain);
    }

    public static Envelope Envelope(params string[] recipients) =>
        new(Box("sender@client.test"), [.. recipients.Select(Box)]);

    /// <summary>Opens a plaintext channel to a server whose script begins after EHLO.</summary>
    public static async Task<TransactionChannel> ChannelAsync(ScriptedServer server, ClientOptions? options = null)
    {
        var clearance = await SmtpClientConnection.OpenAsync(server.Address, Plaintext, options ?? Options(), Cancel);
        return Assert.IsType<Clearance.Granted>(clearance).Channel;
    }

    /// <summary>Greeting and EHLO with these keywords, then the rest.</summary>
    public static string After(string keywords, string script)
    {
        string[] lines = ["mx.test", .. keywords.Split(',', StringSplitOptions.RemoveEmptyEntries)];
        var hello = string.Join("\n", lines.Select((line, index) => $"S: 250{(index == lines.Length - 1 ? ' ' : '-')}{line}"));
        return $"S: 220 mx.test ESMTP\nC: EHLO client.test\n{hello}\n{script}";
    }

    public static async Task<ImmutableArray<RecipientResult>> SendAsync(
        this TransactionChannel channel, Envelope envelope, string content) => await channel.SendAsync(envelope, Encoding.Latin1.GetBytes(content));

    public static async Task<ImmutableArray<RecipientResult>> SendAsync(
        this TransactionChannel channel, Envelope envelope, byte[] content) =>
        await channel.SendAsync(envelope, new MemoryStream(content), content.Length, Cancel);

    /// <summary>One word per result, for tables.</summary>
    public static string Text(this RecipientResult result) => result switch
    {
        RecipientResult.Accepted accepted => $"accepted {accepted.Reply.Code}",
        RecipientResult.Rejected rejected => $"rejected {rejected.Phase} {rejected.Reply.Code}",
        RecipientResult.Unsupported unsupported => $"unsupported {unsupported.Status}",
        RecipientResult.Interrupted interrupted =>
            $"interrupted {interrupted.Fault.Phase} {interrupted.Fault.Kind}{(interrupted.MayBeDelivered ? " maybe" : "")}",
        _ => "?",
    };

    public static string Text(this ImmutableArray<RecipientResult> results) => string.Join(", ", results.Select(Text));
}

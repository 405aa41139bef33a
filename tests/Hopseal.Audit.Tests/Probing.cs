using System.Net;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Targets;

namespace Hopseal.Audit.Tests;

/// <summary>Hand-made hellos to a server of a test.</summary>
static class Probing
{
    public static ProbeOptions Options(bool deep = false, int connections = 10) => new()
    {
        EhloName = "audit.test",
        Clock = TimeProvider.System,
        Deep = deep,
        MostConnections = connections,
        ReplyTimeout = TimeSpan.FromSeconds(10),
        GreetingTimeout = TimeSpan.FromSeconds(10),
        BackOff = TimeSpan.FromMilliseconds(1),
    };

    /// <summary>As many connections as it takes.</summary>
    public static Task<TlsProbeResult> DeepAsync(int port, MailProtocol? protocol = null) => RunAsync(port, Options(deep: true, connections: 400), protocol);

    /// <summary>With the connections of a quick look that the hellos get.</summary>
    public static Task<TlsProbeResult> QuickAsync(int port, MailProtocol? protocol = null, bool everyCertificate = false) =>
        RunAsync(port, Options(connections: 8), protocol, everyCertificate);

    public static async Task<TlsProbeResult> RunAsync(int port, ProbeOptions options, MailProtocol? protocol = null, bool everyCertificate = false)
    {
        var cancel = TestContext.Current.CancellationToken;
        var budget = new ConnectionBudget(options);
        var transport = new HelloTransport(new IPEndPoint(IPAddress.Loopback, port), protocol ?? MailProtocol.Submissions, budget, options);
        var result = await new TlsProbe(transport.AskAsync, transport.AskSsl2Async, "mx.test", options.Deep, options.Deep || everyCertificate).RunAsync(() => transport.Exchanges, cancel);

        Assert.True(budget.Taken <= options.MostConnections);
        return result;
    }
}

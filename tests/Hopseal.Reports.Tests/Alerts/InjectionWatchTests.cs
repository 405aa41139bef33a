using Hopseal.Relay;
using Hopseal.Reports.Alerts;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class InjectionWatchTests
{
    readonly InjectionWatch _watch = new();

    [Fact]
    public void It_is_remembered_for_an_hour_and_strangers_are_less_severe()
    {
        _watch.TryRecord(In("203.0.113.9"));
        _watch.TryRecord(Out());
        Assert.Equal(
            [("203.0.113.9", AlertSeverity.Warning), ("mx1.example.net:25", AlertSeverity.Critical)],
            _watch.Troubles(Records.Noon.AddMinutes(59)).Select(trouble => (trouble.Subject, trouble.Severity)));
        Assert.Empty(_watch.Troubles(Records.Noon.AddMinutes(61)));
    }

    [Fact]
    public void Strangers_with_many_addresses_hide_nobody()
    {
        for (var i = 0; i < 3000; i++)
        {
            _watch.TryRecord(In($"2001:db8::{i:x}"));
        }

        _watch.TryRecord(Out());
        var troubles = _watch.Troubles(Records.Noon);
        Assert.Equal(1000, troubles.Length);
        Assert.Contains(troubles, trouble => trouble.Severity is AlertSeverity.Critical);
    }

    [Fact]
    public void A_restart_forgets_nobody()
    {
        _watch.Restore([new Alert(1, AlertRules.Injection, "a", AlertSeverity.Critical, "", "", Records.Noon, Records.Noon, null, null)]);
        Assert.Equal(("a", AlertSeverity.Critical), _watch.Troubles(Records.Noon).Select(trouble => (trouble.Subject, trouble.Severity)).Single());
    }

    static SessionRecord.Inbound In(string peer) => Records.Inbound(new TlsOutcome.Refused([Records.NotOffered]), peer, end: SessionEnd.InjectedPlaintext);

    static SessionRecord.Outbound Out() => Records.Outbound(null, fault: new SessionFault(SmtpPhase.StartTls, FaultKind.InjectedPlaintext, null, "plaintext behind 220"));
}

using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Commands;

/// <summary>Shows plans and finished sessions to a person, on standard error; in colour where it is a terminal. Nothing that a
/// peer says reaches the terminal as a control sequence.</summary>
sealed class DialogueWriter(Terminal terminal) : ISessionSink
{
    const string Dim = "2";
    const string Bold = "1";
    const string Red = "31";
    const string Green = "32";
    const string Yellow = "33";
    const string Cyan = "36";

    public void Plan(string domain, DeliveryPlan plan)
    {
        foreach (var line in PlanText.Write(domain, plan).TrimEnd('\n').Split('\n'))
        {
            Line(Dim, line);
        }
    }

    public bool TryRecord(SessionRecord record)
    {
        if (record is not SessionRecord.Outbound session)
        {
            return true;
        }

        Line(Bold, $"{session.Plan.Host} at {session.Peer}");
        foreach (var line in session.Transcript?.Lines ?? [])
        {
            switch (line.Speaker)
            {
                case Speaker.Client:
                    Line(Cyan, $"  C: {line.Text}");
                    break;
                case Speaker.Server:
                    Line(ColourOf(line.Text), $"  S: {line.Text}");
                    break;
                case Speaker.Event:
                    Line(Dim, $"  -- {line.Text}");
                    break;
            }
        }

        var (colour, tls) = Describe(session.Tls);
        Line(colour, $"  => {tls}");
        if (session.Fault is { } fault)
        {
            Line(Red, $"  => {fault.Phase}: {fault.Detail}");
        }

        return true;
    }

    public bool TryRecord(DeliveryAttempt attempt) => true;

    static (string Colour, string Text) Describe(TlsOutcome? tls) => tls switch
    {
        TlsOutcome.Encrypted encrypted =>
            (Green, $"{encrypted.Version}, {encrypted.CipherSuite}, {Identity(encrypted)}, in {encrypted.Handshake.TotalMilliseconds:0} ms"),
        TlsOutcome.Plaintext plaintext => (Yellow, $"in plaintext: {plaintext.Reason}"),
        TlsOutcome.Refused refused => (Red, $"not secure enough: {string.Join("; ", refused.Failures)}"),
        _ => (Dim, "ended before TLS was decided"),
    };

    static string Identity(TlsOutcome.Encrypted tls)
    {
        var peer = tls.Peer is { } certificate ? $"{certificate.Subject} from {certificate.Issuer}" : "no certificate";
        return tls.Identity is PeerIdentity.Unauthenticated ? $"not authenticated ({peer})" : $"authenticated by {tls.Identity} ({peer})";
    }

    static string ColourOf(string reply) => reply switch
    {
        ['2' or '3', ..] => Green,
        ['4', ..] => Yellow,
        _ => Red,
    };

    void Line(string colour, string text)
    {
        var plain = Shown.Plain(text);
        terminal.Error.WriteLine(terminal.Colours ? $"\x1b[{colour}m{plain}\x1b[0m" : plain);
    }
}

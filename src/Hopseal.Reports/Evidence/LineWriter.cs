using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using Hopseal.Relay;
using Hopseal.Reports.Sessions;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Evidence;

/// <summary>Writes entries as lines, each chained to the one before it. ASCII only, so that no terminal and no editor takes it for anything
/// else.</summary>
sealed class LineWriter : IDisposable
{
    const int MostCharacters = 400;
    const int MostFailures = 10;
    const int MostPolicies = 30;

    readonly RecipientWords _addresses;
    readonly ArrayBufferWriter<byte> _line = new(4096);
    readonly Utf8JsonWriter _json;

    /// <param name="addresses">Disposed with this.</param>
    public LineWriter(RecipientWords addresses)
    {
        _addresses = addresses;
        _json = new Utf8JsonWriter(_line);
    }

    public void Dispose()
    {
        _json.Dispose();
        _addresses.Dispose();
    }

    /// <summary>Adds a line with its LF, and returns the point that it makes.</summary>
    public LedgerPoint Write(LedgerEntry entry, LedgerPoint before, DateTimeOffset now, IBufferWriter<byte> output)
    {
        _line.ResetWrittenCount();
        var json = _json;
        json.Reset();
        json.WriteStartObject();
        json.WriteNumber("seq", before.Seq + 1);
        json.Time("time", now);
        Write(json, entry);
        json.WriteString("prev", before.Hash);
        json.WriteEndObject();
        json.Flush();

        var line = _line.WrittenSpan;
        Span<byte> hash = stackalloc byte[LedgerPoint.HashOctets];
        EntryFrame.Hash(line, hash);
        output.Write(line);
        output.Write("\n"u8);
        return new LedgerPoint(before.Seq + 1, Convert.ToHexStringLower(hash));
    }

    /// <summary>Never half a character.</summary>
    public static string Clip(string text, int most = MostCharacters) =>
        text.Length <= most ? text : text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)];

    void Write(Utf8JsonWriter json, LedgerEntry entry)
    {
        switch (entry)
        {
            case LedgerEntry.Out { Attempt: var attempt, Use: var use, To: var to }:
                json.WriteString("kind", "out");
                Write(json, attempt, use, to);
                break;
            case LedgerEntry.Ended { Attempt: var attempt, IsKept: var isKept, To: var to }:
                json.WriteString("kind", isKept ? "kept" : "returned");
                Begin(json, attempt);
                json.WriteNumber("recipients", to.Length);
                _addresses.Write(json, "to", to);
                break;
            case LedgerEntry.In taken:
                json.WriteString("kind", "in");
                Write(json, taken);
                break;
            case LedgerEntry.Incident { Session: var session }:
                json.WriteString("kind", "incident");
                json.WriteString("what", "plaintext-injection");
                json.WriteString("direction", "in");
                json.WriteString("session", session.SessionId);
                json.WriteString("peer", session.Peer.ToString());
                json.WriteString("listener", session.Summary.Listener);
                json.Text("hello", session.Summary.Hello);
                break;
            default:
                WriteOfLedger(json, entry);
                break;
        }
    }

    /// <summary>What the ledger says of itself.</summary>
    static void WriteOfLedger(Utf8JsonWriter json, LedgerEntry entry)
    {
        switch (entry)
        {
            case LedgerEntry.Start start:
                json.WriteString("kind", "start");
                json.WriteString("version", start.Version);
                json.WriteString("configuration", start.Configuration);
                json.Point("head", start.Head);
                json.WriteBoolean("afterCleanEnd", start.AfterCleanEnd);
                break;
            case LedgerEntry.Stop:
                json.WriteString("kind", "stop");
                break;
            case LedgerEntry.Gap gap:
                json.WriteString("kind", "gap");
                json.NumberOrNull("count", gap.Count);
                json.Text("since", gap.Since is { } since ? EntryTime.Write(since) : null);
                json.WriteString("reason", gap.Reason);
                break;
            case LedgerEntry.Recovered recovered:
                json.WriteString("kind", "recovered");
                json.WriteString("file", recovered.File);
                json.WriteNumber("octets", recovered.Octets);
                json.WriteString("putInto", recovered.PutInto);
                break;
            case LedgerEntry.Damage damage:
                json.WriteString("kind", "damage");
                json.WriteString("what", damage.What);
                json.Point("head", damage.Head);
                json.Point("found", damage.Found);
                break;
            case LedgerEntry.Retention retention:
                json.WriteString("kind", "retention");
                json.Point("anchor", retention.Anchor);
                json.Time("at", retention.At);
                json.WriteNumber("files", retention.Files);
                break;
            default:
                throw new ArgumentException($"unknown entry {entry}", nameof(entry));
        }
    }

    void Write(Utf8JsonWriter json, DeliveryAttempt attempt, SessionUse use, ImmutableArray<Recipient> to)
    {
        Begin(json, attempt);
        json.WriteString("session", use.SessionId);
        json.WriteString("host", use.Plan.Host.ToString());
        json.WriteString("peer", use.Peer.ToString());
        json.WriteString("required", EvidenceOf.Word(use.Plan.Floor));
        json.WriteStartArray("policies");
        foreach (var policy in use.Plan.Policies.Take(MostPolicies))
        {
            PolicyWriter.Write(json, policy);
        }

        json.WriteEndArray();
        Write(json, use.Tls);
        var outcome = (use.Delivered, use.Bounced, use.Fault) switch
        {
            ( > 0, _, _) => "delivered",
            (_, > 0, _) => "bounced",
            _ => "deferred",
        };
        json.WriteString("outcome", outcome);
        json.WriteNumber("recipients", to.Length);
        json.WriteNumber("deferred", use.Deferred);
        json.WriteNumber("bounced", use.Bounced);
        json.WriteNumber("mayBeDelivered", use.MayBeDelivered);
        json.Text("fault", use.Fault is { } fault ? $"{fault.Phase}/{fault.Kind}: {fault.Detail}" : null);
        json.WriteBoolean("injected", use.Fault is { Kind: FaultKind.InjectedPlaintext });
        _addresses.Write(json, "to", to);
    }

    static void Begin(Utf8JsonWriter json, DeliveryAttempt attempt)
    {
        json.Time("at", attempt.StartedAt + attempt.Elapsed);
        json.WriteString("message", attempt.Lease.Id.Text);
        json.WriteString("domain", Clip(attempt.Lease.Domain));
        json.WriteNumber("attempt", attempt.Lease.AttemptNumber);
    }

    void Write(Utf8JsonWriter json, LedgerEntry.In taken)
    {
        var (message, domain, to) = taken;
        var session = message.Session;
        json.Time("at", message.AcceptedAt);
        json.WriteString("message", message.Id.Text);
        json.WriteString("domain", Clip(domain));
        json.WriteString("session", session.SessionId);
        json.WriteString("listener", session.Listener);
        json.WriteString("peer", session.Peer.ToString());
        json.WriteString("hello", Clip(session.Hello));
        json.Text("user", session.User);
        json.WriteString("senderTls", message.Envelope.Tls switch
        {
            MessageTls.Unspecified => "unspecified",
            MessageTls.Required => "required",
            MessageTls.Optional => "optional",
        });
        Write(json, session.Tls ?? (TlsOutcome)NoTls);
        json.WriteNumber("recipients", to.Length);
        _addresses.WriteSender(json, "from", message.Envelope.ReturnPath);
        _addresses.Write(json, "to", to);
    }

    static TlsOutcome.Plaintext NoTls { get; } = new(new TlsFailure(TlsResultType.StarttlsNotSupported, "not-asked"));

    /// <summary>What was reached.</summary>
    static void Write(Utf8JsonWriter json, TlsOutcome? tls)
    {
        var transport = Transport.Of(tls);
        json.WriteString("reached", Transport.Word(transport.Level));
        json.Text("version", transport.Version);
        json.Text("cipher", transport.Cipher);
        json.Text("identity", transport.Identity);
        json.Text("certificate", transport.Fingerprint);
        ImmutableArray<TlsFailure> failures = tls switch
        {
            TlsOutcome.Encrypted encrypted => encrypted.Tolerated,
            TlsOutcome.Plaintext plain when plain != NoTls => [plain.Reason],
            TlsOutcome.Refused refused => refused.Failures,
            _ => [],
        };
        json.List("failures", failures.IsEmpty ? [] : failures.Take(MostFailures).Select(failure => $"{failure.Type.ToWire()} ({failure.ReasonCode})").Distinct());
    }
}

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
sealed class LineWriter(RecipientWords addresses)
{
    const int MostCharacters = 400;
    const int MostFailures = 10;
    const int MostPolicies = 30;

    readonly ArrayBufferWriter<byte> _line = new(4096);

    /// <summary>Adds a line with its LF, and returns the point that it makes.</summary>
    public LedgerPoint Write(LedgerEntry entry, LedgerPoint before, DateTimeOffset now, IBufferWriter<byte> output)
    {
        _line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_line))
        {
            json.WriteStartObject();
            json.WriteNumber("seq", before.Seq + 1);
            json.WriteString("time", EntryTime.Write(now));
            Write(json, entry);
            json.WriteString("prev", before.Hash);
            json.WriteEndObject();
        }

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
            case LedgerEntry.Start start:
                json.WriteString("kind", "start");
                json.WriteString("version", start.Version);
                json.WriteString("configuration", start.Configuration);
                Point(json, "head", start.Head);
                json.WriteBoolean("afterCleanEnd", start.AfterCleanEnd);
                break;
            case LedgerEntry.Stop:
                json.WriteString("kind", "stop");
                break;
            case LedgerEntry.Gap gap:
                json.WriteString("kind", "gap");
                NumberOrNull(json, "count", gap.Count);
                Text(json, "since", gap.Since is { } since ? EntryTime.Write(since) : null);
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
                Point(json, "head", damage.Head);
                Point(json, "found", damage.Found);
                break;
            case LedgerEntry.Retention retention:
                json.WriteString("kind", "retention");
                Point(json, "anchor", retention.Anchor);
                json.WriteString("at", EntryTime.Write(retention.At));
                json.WriteNumber("files", retention.Files);
                break;
            case LedgerEntry.Out { Attempt: var attempt, Use: var use, To: var to }:
                json.WriteString("kind", "out");
                Write(json, attempt, use, to);
                break;
            case LedgerEntry.Ended { Attempt: var attempt, IsKept: var isKept, To: var to }:
                json.WriteString("kind", isKept ? "kept" : "returned");
                Begin(json, attempt);
                json.WriteNumber("recipients", to.Length);
                List(json, "to", addresses.Of(to.Select(recipient => recipient.Mailbox)));
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
                Text(json, "hello", session.Summary.Hello);
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
        Text(json, "fault", use.Fault is { } fault ? $"{fault.Phase}/{fault.Kind}: {fault.Detail}" : null);
        json.WriteBoolean("injected", use.Fault is { Kind: FaultKind.InjectedPlaintext });
        List(json, "to", addresses.Of(to.Select(recipient => recipient.Mailbox)));
    }

    static void Begin(Utf8JsonWriter json, DeliveryAttempt attempt)
    {
        json.WriteString("at", EntryTime.Write(attempt.StartedAt + attempt.Elapsed));
        json.WriteString("message", attempt.Lease.Id.Text);
        json.WriteString("domain", Clip(attempt.Lease.Domain));
        json.WriteNumber("attempt", attempt.Lease.AttemptNumber);
    }

    void Write(Utf8JsonWriter json, LedgerEntry.In taken)
    {
        var (message, domain, to) = taken;
        var session = message.Session;
        json.WriteString("at", EntryTime.Write(message.AcceptedAt));
        json.WriteString("message", message.Id.Text);
        json.WriteString("domain", Clip(domain));
        json.WriteString("session", session.SessionId);
        json.WriteString("listener", session.Listener);
        json.WriteString("peer", session.Peer.ToString());
        json.WriteString("hello", Clip(session.Hello));
        Text(json, "user", session.User);
        json.WriteString("senderTls", message.Envelope.Tls switch
        {
            MessageTls.Unspecified => "unspecified",
            MessageTls.Required => "required",
            MessageTls.Optional => "optional",
        });
        Write(json, session.Tls ?? (TlsOutcome)NoTls);
        json.WriteNumber("recipients", to.Length);
        Text(json, "from", addresses.OfSender(message.Envelope.ReturnPath));
        List(json, "to", addresses.Of(to.Select(recipient => recipient.Mailbox)));
    }

    static TlsOutcome.Plaintext NoTls { get; } = new(new TlsFailure(TlsResultType.StarttlsNotSupported, "not-asked"));

    /// <summary>What was reached.</summary>
    static void Write(Utf8JsonWriter json, TlsOutcome? tls)
    {
        var transport = Transport.Of(tls);
        json.WriteString("reached", Transport.Word(transport.Level));
        Text(json, "version", transport.Version);
        Text(json, "cipher", transport.Cipher);
        Text(json, "identity", transport.Identity);
        Text(json, "certificate", transport.Fingerprint);
        ImmutableArray<TlsFailure> failures = tls switch
        {
            TlsOutcome.Encrypted encrypted => encrypted.Tolerated,
            TlsOutcome.Plaintext plain when plain != NoTls => [plain.Reason],
            TlsOutcome.Refused refused => refused.Failures,
            _ => [],
        };
        List(json, "failures", failures.Take(MostFailures).Select(failure => $"{failure.Type.ToWire()} ({failure.ReasonCode})").Distinct());
    }

    static void Point(Utf8JsonWriter json, string name, LedgerPoint? point)
    {
        if (point is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteNumber("seq", point.Seq);
        json.WriteString("hash", point.Hash);
        json.WriteEndObject();
    }

    static void Text(Utf8JsonWriter json, string name, string? text)
    {
        if (text is null)
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteString(name, Clip(text));
        }
    }

    static void NumberOrNull(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value)
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    static void List(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(Clip(text));
        }

        json.WriteEndArray();
    }
}

using System.Text.Json;

namespace Hopseal.Reports.Evidence;

/// <summary>Deliveries to recipients, by what their hop had.</summary>
public sealed class HopCount
{
    public long Authenticated { get; private set; }

    /// <summary>Without knowing to whom.</summary>
    public long Encrypted { get; private set; }

    public long Plaintext { get; private set; }

    /// <summary>Sessions that delivered nothing.</summary>
    public long Failed { get; internal set; }

    public long Delivered => Authenticated + Encrypted + Plaintext;

    internal void Add(string reached, long recipients)
    {
        switch (reached)
        {
            case "authenticated":
                Authenticated += recipients;
                break;
            case "encrypted":
                Encrypted += recipients;
                break;
            default:
                Plaintext += recipients;
                break;
        }
    }

    internal void Add(HopCount other)
    {
        Authenticated += other.Authenticated;
        Encrypted += other.Encrypted;
        Plaintext += other.Plaintext;
        Failed += other.Failed;
    }
}

/// <summary>An exception that lowered something, and what went by it.</summary>
public sealed record ExceptionUse(string Source, string Owner, string Reason, string Until);

/// <summary>Why sessions for a domain delivered nothing.</summary>
public sealed record FailureKind(string Domain, string Host, string Why);

/// <summary>What a person has to know of.</summary>
public sealed record EvidenceEvent(string Time, long Seq, string What);

/// <summary>Adds up entries. Of each kind so many are kept apart; the others are counted together.</summary>
public sealed class EvidenceSums(string? domain)
{
    const int MostKinds = 5_000;
    const int MostEvents = 500;

    public Tally<string> Out { get; } = new(MostKinds);

    public Tally<string> In { get; } = new(MostKinds);

    public Tally<string> Versions { get; } = new(50);

    public Tally<ExceptionUse> Exceptions { get; } = new(MostKinds);

    public Tally<FailureKind> Failures { get; } = new(MostKinds);

    /// <summary>Deliveries by a sender's own word, TLS-Required: No (RFC 8689 §3).</summary>
    public HopCount Waived { get; } = new();

    /// <summary>Starts, with the program's version and the hash of the configuration.</summary>
    public List<EvidenceEvent> Starts { get; } = [];

    public List<EvidenceEvent> Incidents { get; } = [];

    public long IncidentCount { get; private set; }

    /// <summary>Entries of the chain that this program cannot read.</summary>
    public long Unreadable { get; private set; }

    public long Entries { get; private set; }

    internal void Add(ReadOnlySpan<byte> line)
    {
        Entries++;
        try
        {
            var json = new Utf8JsonReader(line);
            using var entry = JsonDocument.ParseValue(ref json);
            Add(new EntryFacts(entry.RootElement));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            Unreadable++;
        }
    }

    void Add(EntryFacts entry)
    {
        switch (entry.Text("kind"))
        {
            case "out" when Is(entry):
                AddOut(entry);
                break;
            case "in" when Is(entry):
                In.Of(entry.Text("domain")).Add(entry.Text("reached"), entry.Number("recipients"));
                Versions.Of(entry.TextOr("version", "none")).Add(entry.Text("reached"), entry.Number("recipients"));
                break;
            case "start":
                var started = new EvidenceEvent(entry.Text("time"), entry.Number("seq"), $"{entry.Text("version")}, configuration {entry.TextOr("configuration", "")}");
                Keep(Starts, started);
                break;
            case "gap":
                Tell(entry, $"missing since {entry.TextOr("since", "an unknown time")}: {(entry.NumberOrNull("count") is { } count ? $"{count} {(count is "1" ? "record" : "records")}" : "an unknown number of records")}; {entry.Text("reason")}");
                break;
            case "damage":
                Tell(entry, $"the ledger was found damaged: {entry.Text("what")}");
                break;
            case "recovered":
                Tell(entry, $"a line that was not whole was put aside, {LedgerReader.Count(entry.Number("octets"), "octet", "octets")} of {entry.Text("file")}");
                break;
            case "incident":
                Tell(entry, $"plaintext was injected behind STARTTLS by or on the way to the client {entry.Text("peer")}");
                break;
        }
    }

    void AddOut(EntryFacts entry)
    {
        var (reached, recipients) = (entry.Text("reached"), entry.Number("recipients"));
        var row = Out.Of(entry.Text("domain"));
        if (entry.Text("outcome") == "delivered")
        {
            row.Add(reached, recipients);
            Versions.Of(entry.TextOr("version", "none")).Add(reached, recipients);
        }
        else
        {
            row.Failed++;
            var why = entry.Texts("failures").FirstOrDefault() ?? entry.TextOr("fault", "no recipient was taken");
            Failures.Of(new FailureKind(entry.Text("domain"), entry.Text("host"), why)).Failed++;
        }

        var kinds = entry.Items("policies").ToArray();
        foreach (var use in kinds.Where(policy => policy.Text("kind") == "excepted").Select(ExceptionOf).Distinct())
        {
            Exceptions.Of(use).Add(reached, entry.Text("outcome") == "delivered" ? recipients : 0);
        }

        if (kinds.Any(policy => policy.Text("kind") == "waived") && entry.Text("outcome") == "delivered")
        {
            Waived.Add(reached, recipients);
        }

        if (entry.Flag("injected"))
        {
            Tell(entry, $"plaintext was injected behind STARTTLS by or on the way to {entry.Text("host")}, {entry.Text("peer")}");
        }

        if (reached is "refused"
            && kinds.Any(policy => policy.Text("kind") == "proven-tls")
            && entry.Texts("failures").Any(failure => failure.StartsWith("starttls-not-supported", StringComparison.Ordinal)))
        {
            Tell(entry, $"{entry.Text("host")}, {entry.Text("peer")} had TLS before and does not start it: somebody may strip it; no mail was given to it");
        }
    }

    static ExceptionUse ExceptionOf(EntryFacts policy) =>
        new(policy.Text("source"), policy.TextOr("owner", ""), policy.TextOr("reason", ""), policy.TextOr("until", ""));

    bool Is(EntryFacts entry) => domain is null || entry.Text("domain") == domain;

    void Tell(EntryFacts entry, string what)
    {
        IncidentCount++;
        Keep(Incidents, new EvidenceEvent(entry.Text("time"), entry.Number("seq"), what));
    }

    static void Keep(List<EvidenceEvent> events, EvidenceEvent one)
    {
        if (events.Count < MostEvents)
        {
            events.Add(one);
        }
    }
}

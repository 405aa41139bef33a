using System.Text.Json.Serialization;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Control;

/// <summary>What <c>hopseal plan</c> is answered.</summary>
abstract partial record ControlLine
{
    /// <summary>What becomes of mail for one domain now, decided in full; nobody was connected to.</summary>
    /// <param name="Source">Whose rules, caches and memory these are.</param>
    /// <param name="Sender">Whom it was asked for; null for any.</param>
    /// <param name="Status">With <see cref="PlanAction.Wait"/> and <see cref="PlanAction.Bounce"/>.</param>
    /// <param name="Hosts">In the order in which they are tried.</param>
    /// <param name="Excluded">Hosts of the domain that get no mail now.</param>
    /// <param name="Messages">The same for each kind of message (RFC 8689).</param>
    /// <param name="Resolver">Null when nobody looked.</param>
    public sealed record Plan(
        string Domain,
        string? Sender,
        PlanSource Source,
        DateTimeOffset At,
        PlanAction Action,
        string? Status,
        string? Reason,
        string? Maildir,
        bool Credentials,
        IReadOnlyList<PlanHost> Hosts,
        IReadOnlyList<PlanHost> Excluded,
        IReadOnlyList<PlanMessages> Messages,
        PlanResolver? Resolver) : ControlLine;

    /// <summary>The same for people; with line breaks.</summary>
    public sealed record Text(string Words) : ControlLine;
}

enum PlanSource
{
    /// <summary>The running gateway.</summary>
    Gateway,

    /// <summary>A configuration file; no gateway runs with it.</summary>
    Configuration,

    /// <summary>No configuration.</summary>
    Defaults,
}

enum PlanAction
{
    Relay,
    Keep,
    Wait,
    Bounce,
}

/// <param name="Name">Null when the host is an address.</param>
/// <param name="Preference">Null when no MX record chose it.</param>
/// <param name="AddressStatus">Null when there is none to ask for, or none was found.</param>
/// <param name="Alias">The name that holds the addresses, when it is another.</param>
/// <param name="ServerName">What is asked for by SNI; null for none.</param>
/// <param name="CertificateNames">One of which a certificate must be for, where one is judged by its name.</param>
/// <param name="Notes">Policies that were looked for and are not among <paramref name="Policies"/>, or not in force.</param>
/// <param name="Why">Of a host that gets no mail.</param>
sealed record PlanHost(
    string Host,
    string? Name,
    int Port,
    int? Preference,
    HostAuthenticity Authenticity,
    TlsStart Start,
    IReadOnlyList<string> Addresses,
    string? AddressFailure,
    DnssecStatus? AddressStatus,
    string? Alias,
    SecurityFloor Floor,
    IReadOnlyList<PlanPolicy> Policies,
    IReadOnlyList<PlanNote> Notes,
    string? ServerName,
    IReadOnlyList<string> CertificateNames,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] PlanFailure? Why)
{
    /// <summary>The oldest version of TLS that is offered.</summary>
    public TlsVersion MinimumVersion { get; init; }

    /// <summary>The file of the certificate of ours that is shown when the host asks for one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Shows { get; init; }
}

/// <summary>Members that do not belong to its kind are left out.</summary>
/// <param name="Floor">What it asks for now.</param>
/// <param name="Words">For people.</param>
sealed record PlanPolicy(string Kind, SecurityFloor Floor, string Words)
{
    /// <summary>The configuration key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Source { get; init; }

    /// <summary>The rule is one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PlanException? Exception { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? LastProvenAt { get; init; }

    /// <summary>When the host last proved who it is as well.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? LastVerifiedAt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TlsVersion? MinimumVersion { get; init; }

    /// <summary>Any of which has to be that of the host's certificate or key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Fingerprints { get; init; }

    /// <summary>The files of the only authorities that count.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Authorities { get; init; }

    /// <summary>Whether it stands for other proofs: false where a forged MX record could have chosen the rule.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Vouched { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PlanDane? Dane { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PlanSts? MtaSts { get; init; }

    /// <summary>What an exception lowered, or the sender waived: it asks for <see cref="Floor"/> now, and not for its own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PlanPolicy? Of { get; init; }
}

/// <param name="Until">The last day (UTC).</param>
sealed record PlanException(DateOnly Until, string Reason, string Owner);

/// <param name="Records">In presentation form; of long ones the beginning.</param>
/// <param name="Usable">Whether they can be verified with.</param>
/// <param name="SecureMx">Whether DNSSEC vouches for the host itself; null where it makes no difference.</param>
sealed record PlanDane(string Base, IReadOnlyList<string> Records, bool Usable, bool? SecureMx);

/// <param name="Mx">As the policy names them; the first of many.</param>
/// <param name="ExpiresAt">When it may no longer be used, unless it is fetched again.</param>
sealed record PlanSts(StsMode Mode, string Id, IReadOnlyList<string> Mx, long MaxAgeSeconds, DateTimeOffset FetchedAt, DateTimeOffset ExpiresAt);

/// <param name="Mechanism"><c>DANE</c> or <c>MTA-STS</c>.</param>
sealed record PlanNote(
    string Mechanism, string Detail, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] PlanFailure? Failure);

/// <param name="Type">The name of RFC 8460 §4.3.</param>
sealed record PlanFailure(string Type, string ReasonCode, string? Detail);

/// <summary>Whether what DNSSEC proves reaches the planner.</summary>
sealed record PlanResolver(ResolverState State, DateTimeOffset CheckedAt, IReadOnlyList<PlanResolverServer> Servers);

/// <param name="Trusted">Whether its AD bit is believed.</param>
sealed record PlanResolverServer(string Server, bool Trusted, ResolverState State, string Detail);

/// <param name="Kind"><c>unspecified</c>: most mail; <c>required</c>: REQUIRETLS; <c>optional</c>: TLS-Required: No (RFC 8689).</param>
/// <param name="Hosts">Those that are tried, in order.</param>
sealed record PlanMessages(MessageTls Kind, PlanAction Action, string? Status, string? Reason, IReadOnlyList<PlanFloor> Hosts);

sealed record PlanFloor(string Host, SecurityFloor Floor);

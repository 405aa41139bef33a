using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Monitor;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Control;

/// <summary>One line of the answer. The same lines are what the commands print with <c>--json</c>: members may be added, and are never
/// renamed or removed. Times are UTC.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Entry), "entry")]
[JsonDerivedType(typeof(Message), "message")]
[JsonDerivedType(typeof(Recipient), "recipient")]
[JsonDerivedType(typeof(Destination), "destination")]
[JsonDerivedType(typeof(TlsHost), "tlsHost")]
[JsonDerivedType(typeof(TlsReport), "tlsReport")]
[JsonDerivedType(typeof(Required), "required")]
[JsonDerivedType(typeof(Look), "look")]
[JsonDerivedType(typeof(Content), "content")]
[JsonDerivedType(typeof(Plan), "plan")]
[JsonDerivedType(typeof(Text), "text")]
[JsonDerivedType(typeof(Done), "done")]
[JsonDerivedType(typeof(Fault), "fault")]
abstract partial record ControlLine
{
    /// <summary>The longest line.</summary>
    public const int MaxOctets = 1024 * 1024;

    ControlLine()
    {
    }

    /// <summary>The last line says how it ended. Without one, the connection broke.</summary>
    [JsonIgnore]
    public bool IsLast => this is Done or Fault;

    /// <summary>One message for one recipient domain.</summary>
    /// <param name="Recipients">Those that are pending.</param>
    /// <param name="Sender">Null for the null sender.</param>
    public sealed record Entry(
        string Id,
        string Domain,
        EntryState State,
        bool Held,
        DateTimeOffset ReceivedAt,
        long Size,
        string? Sender,
        int Recipients,
        int Attempts,
        DateTimeOffset? NextAttemptAt,
        string? Status,
        string? Reason) : ControlLine
    {
        public static Entry Of(QueueEntry entry) => new(
            entry.Id.Text,
            entry.Domain,
            entry.State,
            entry.Held,
            entry.ReceivedAt,
            entry.Size,
            entry.Sender,
            entry.Recipients,
            entry.Attempts,
            entry.NextAttemptAt,
            entry.Status,
            entry.Reason);
    }

    /// <summary>Its entries and its recipients follow.</summary>
    public sealed record Message(
        string Id,
        DateTimeOffset ReceivedAt,
        long Size,
        string? Sender,
        BodyType Body,
        bool SmtpUtf8,
        string? EnvelopeId,
        MessageTls Tls = MessageTls.Unspecified) : ControlLine;

    public sealed record Recipient(string Address, string Domain, RecipientState State, string? Status, string? Reason) : ControlLine;

    /// <summary>All entries for one recipient domain, as far as they were asked for.</summary>
    /// <param name="Reason">The latest, with its status.</param>
    public sealed record Destination(
        string Domain,
        long Entries,
        long Waiting,
        long Deferred,
        long Held,
        long Attempting,
        DateTimeOffset OldestReceivedAt,
        DateTimeOffset? NextAttemptAt,
        string? Status,
        string? Reason) : ControlLine;

    /// <summary>A host that is held to TLS.</summary>
    /// <param name="Host">A name or an address.</param>
    /// <param name="LastVerifiedAt">When it last proved who it is as well; null when it did not, or too long ago.</param>
    /// <param name="MissingSince">Since when it does not start TLS; null while it does, and when no gateway runs that could know.</param>
    public sealed record TlsHost(
        string Host, int Port, DateTimeOffset LastProvenAt, DateTimeOffset? LastVerifiedAt, DateTimeOffset? MissingSince) : ControlLine;

    /// <summary>What was counted for a domain on a day, and what became of it.</summary>
    /// <param name="Report">Its id, where one was made.</param>
    /// <param name="What">For people.</param>
    public sealed record TlsReport(DateOnly Day, string Domain, long Successful, long Failed, long? Report, string What) : ControlLine;

    /// <summary>What is required of a domain beside the configuration.</summary>
    /// <param name="Names">That a certificate may be for.</param>
    /// <param name="Owner">Who said so.</param>
    /// <param name="Because">What it rests on, for people.</param>
    public sealed record Required(
        string Domain, SecurityFloor Tls, TlsVersion? MinimumVersion, IReadOnlyList<string> Names, string Owner, DateTimeOffset Since, string Because) : ControlLine
    {
        public static Required Of(RequiredRule rule) => new(rule.Domain.Ascii, rule.Floor, rule.MinimumVersion, rule.Names, rule.Owner, rule.Since, rule.Because);
    }

    /// <summary>What a look at a domain that is watched came to.</summary>
    /// <param name="Why">Where nothing was found out.</param>
    public sealed record Look(string Domain, LookResult Result, string? Why, DateTimeOffset NextAt) : ControlLine;

    /// <summary>Octets of the message as it was received, in order.</summary>
    public sealed record Content(byte[] Data) : ControlLine;

    /// <param name="Matched">Entries that were asked for; of a summary, destinations.</param>
    /// <param name="Changed">Of those, the ones to which it was done.</param>
    /// <param name="Unchanged">Those where there was nothing to do.</param>
    /// <param name="Attempting">Those that stay as they are because their attempt is under way.</param>
    /// <param name="More">Those that were not shown, because of the limit.</param>
    /// <param name="Missing">Ids that are not in the queue.</param>
    public sealed record Done(long Matched, long Changed, long Unchanged, long Attempting, long More, IReadOnlyList<string> Missing) : ControlLine;

    /// <summary>It was not done, or not to the end.</summary>
    public sealed record Fault(string Why) : ControlLine;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 16,
    Converters =
    [
        typeof(Word<ControlCommand>), typeof(Word<LookResult>), typeof(Word<EntryState>), typeof(Word<RecipientState>), typeof(Word<BodyType>),
        typeof(Word<PlanSource>), typeof(Word<PlanAction>), typeof(Word<HostAuthenticity>), typeof(Word<TlsStart>), typeof(Word<SecurityFloor>),
        typeof(Word<DnssecStatus>), typeof(Word<StsMode>), typeof(Word<MessageTls>), typeof(Word<ResolverState>), typeof(Word<TlsVersion>),
    ])]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlLine))]
sealed partial class ControlJson : JsonSerializerContext
{
    /// <summary>A member's name that begins in lower case, never its number.</summary>
    sealed class Word<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
        where T : struct, Enum;
}

using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Tls;

namespace Hopseal.Control;

/// <summary>What a command asks of the gateway: one JSON object in one line, the only one of its connection.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
sealed record ControlRequest
{
    public const int CurrentVersion = 1;

    /// <summary>The longest line.</summary>
    public const int MaxOctets = 64 * 1024;

    public const int MaxIds = 1000;

    const int MaxText = 1000;

    /// <summary>As this program writes it.</summary>
    public static ControlRequest Of(ControlCommand command) => new() { Version = CurrentVersion, Command = command };

    public required int Version { get; init; }

    public required ControlCommand Command { get; init; }

    public IReadOnlyList<string> Ids { get; init; } = [];

    public string? Domain { get; init; }

    public string? Sender { get; init; }

    public DateTimeOffset? ReceivedBefore { get; init; }

    public DateTimeOffset? ReceivedAfter { get; init; }

    public EntryState? State { get; init; }

    /// <summary>Of <see cref="ControlCommand.List"/> and <see cref="ControlCommand.Summary"/>: so many lines at most; 0 for no limit.</summary>
    public long Limit { get; init; }

    /// <summary>Of <see cref="ControlCommand.TlsForget"/>: a name or an address.</summary>
    public string? Host { get; init; }

    /// <summary>The same; null for every port of the host.</summary>
    public int? Port { get; init; }

    /// <summary>Of <see cref="ControlCommand.AlertSilence"/>: an alert, and until when nothing is to be told of it.</summary>
    public long? Alert { get; init; }

    public DateTimeOffset? Until { get; init; }

    /// <summary>Of <see cref="ControlCommand.ReportSend"/>: UTC; null for every day that is over.</summary>
    public DateOnly? Day { get; init; }

    /// <summary>Of <see cref="ControlCommand.RequireAdd"/>: what the mail for <see cref="Domain"/> has to have.</summary>
    public SecurityFloor? Tls { get; init; }

    /// <summary>The same; null: nothing said.</summary>
    public TlsVersion? MinimumVersion { get; init; }

    /// <summary>The same: names that a certificate may be for.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The same: what it rests on.</summary>
    public string? Because { get; init; }

    /// <summary>Of <see cref="ControlCommand.RequireAdd"/>, <see cref="ControlCommand.RequireRemove"/> and <see cref="ControlCommand.MonitorAccept"/>: who asks.</summary>
    public string? Owner { get; init; }

    /// <summary>Counts what a change would meet, and changes nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Null, with the reason, when it is nothing that can be answered.</summary>
    public QueueSelection? Select(out string? fault)
    {
        // JSON may say null where nobody expects it.
        var written = Ids ?? [];
        fault = this switch
        {
            { Version: not CurrentVersion } => $"this gateway speaks version {CurrentVersion} of the control protocol, not {Version}",
            _ when written.Count > MaxIds => $"more than {MaxIds} ids",
            { Limit: < 0 } => "the limit is negative",
            { Domain.Length: 0 or > MaxText } or { Sender.Length: > MaxText } or { Host.Length: 0 or > MaxText } => "a filter is empty or too long",
            _ => null,
        };
        var ids = ImmutableArray.CreateBuilder<QueueId>();
        foreach (var text in fault is null ? written : [])
        {
            if (!QueueId.TryParse(text, out var id))
            {
                fault = "an id is none";
                break;
            }

            ids.Add(id);
        }

        return fault is not null ? null : new QueueSelection
        {
            Ids = ids.ToImmutable(),
            Domain = Domain,
            Sender = Sender,
            ReceivedBefore = ReceivedBefore,
            ReceivedAfter = ReceivedAfter,
            State = State,
        };
    }
}

enum ControlCommand
{
    List,
    Summary,
    Show,
    Content,
    Retry,
    Hold,
    Release,
    Delete,
    Plan,

    /// <summary>The hosts that are held to TLS, because they had it.</summary>
    TlsList,

    /// <summary>Lets one of them go.</summary>
    TlsForget,

    /// <summary>Sends a notice through every channel.</summary>
    AlertTest,

    /// <summary>Nothing more is told of an alert for a while.</summary>
    AlertSilence,

    /// <summary>Makes and sends TLS reports now.</summary>
    ReportSend,

    /// <summary>What is required of domains beside the configuration.</summary>
    RequireList,

    /// <summary>Requires something of one.</summary>
    RequireAdd,

    /// <summary>Takes that back.</summary>
    RequireRemove,

    /// <summary>Looks at a domain that is watched, or at all of them, now.</summary>
    MonitorLook,

    /// <summary>What one looks like now is what is expected of it.</summary>
    MonitorAccept,
}

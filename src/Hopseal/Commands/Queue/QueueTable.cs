using System.Globalization;
using System.Text.Json;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Commands.Queue;

/// <summary>The lines of an answer as a person reads them, in columns; or as they are, for a machine. Nothing is gathered: a list may be as
/// long as the queue.</summary>
sealed class QueueTable(Terminal terminal, bool json)
{
    const string Indent = "    ";

    bool _begun;

    public async Task WriteAsync(ControlLine line)
    {
        if (json)
        {
            await terminal.Out.WriteLineAsync(JsonSerializer.Serialize(line, ControlJson.Default.ControlLine));
            return;
        }

        await (line switch
        {
            ControlLine.Entry entry => WriteAsync(entry),
            ControlLine.Destination destination => WriteAsync(destination),
            ControlLine.Message message => WriteAsync(message),
            ControlLine.Recipient recipient => WriteAsync(recipient),
            _ => throw new ArgumentException($"not for people: {line}", nameof(line)),
        });
    }

    /// <param name="what">In the singular.</param>
    public static string Count(long number, string what) => number == 1
        ? $"1 {what}"
        : string.Create(CultureInfo.InvariantCulture, $"{number} {(what.EndsWith("entry", StringComparison.Ordinal) ? what[..^1] + "ies" : what + "s")}");

    async Task WriteAsync(ControlLine.Entry entry)
    {
        await BeginAsync($"{"ID",-26}  {"STATE",-10}  {"AGE",6}  {"SIZE",6}  {"TRIES",5}  {"NEXT",6}  SENDER → DOMAIN");
        var state = Word(entry.State);
        var (before, after) = Colour(entry.State);
        var recipients = entry.Recipients > 1 ? $" ({entry.Recipients})" : "";
        var head = $"{entry.Id,-26}  ";
        var rest = string.Create(
            CultureInfo.InvariantCulture,
            $"  {Age(entry.ReceivedAt),6}  {Size(entry.Size),6}  {entry.Attempts,5}  {Next(entry.NextAttemptAt),6}  {Sender(entry.Sender)} → {Shown.Plain(entry.Domain)}{recipients}");
        await terminal.Out.WriteLineAsync($"{head}{before}{state,-10}{after}{Clip(rest, head.Length + 10)}");
        await ReasonAsync(entry.Status, entry.Reason);
    }

    async Task WriteAsync(ControlLine.Destination destination)
    {
        await BeginAsync($"{"ENTRIES",7}  {"WAITING",7}  {"DEFERRED",8}  {"HELD",6}  {"ATTEMPTING",10}  {"OLDEST",6}  {"NEXT",6}  DOMAIN");
        await LineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{destination.Entries,7}  {destination.Waiting,7}  {destination.Deferred,8}  {destination.Held,6}  {destination.Attempting,10}  {Age(destination.OldestReceivedAt),6}  {Next(destination.NextAttemptAt),6}  {Shown.Plain(destination.Domain)}"));
        await ReasonAsync(destination.Status, destination.Reason);
    }

    async Task WriteAsync(ControlLine.Message message)
    {
        await LineAsync($"{"message",-10} {message.Id}");
        await LineAsync(string.Create(
            CultureInfo.InvariantCulture, $"{"received",-10} {message.ReceivedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC, {Age(message.ReceivedAt)} ago"));
        await LineAsync($"{"size",-10} {Size(message.Size)}");
        await LineAsync($"{"sender",-10} {Sender(message.Sender)}");
        await LineAsync($"{"body",-10} {message.Body}{(message.SmtpUtf8 ? ", SMTPUTF8" : "")}");
        if (message.EnvelopeId is { } envelopeId)
        {
            await LineAsync($"{"envid",-10} {Shown.Plain(envelopeId)}");
        }

        if (message.Tls is not MessageTls.Unspecified)
        {
            await LineAsync($"{"tls",-10} {(message.Tls is MessageTls.Required ? "required by the sender (REQUIRETLS)" : "waived by the sender (TLS-Required: No)")}");
        }

        await LineAsync("");
    }

    async Task WriteAsync(ControlLine.Recipient recipient)
    {
        if (_begun)
        {
            _begun = false;
            await LineAsync("");
        }

        await LineAsync($"{Shown.Plain(recipient.Address)}  {Word(recipient.State)}");
        await ReasonAsync(recipient.Status, recipient.Reason);
    }

    async Task BeginAsync(string heading)
    {
        if (!_begun)
        {
            _begun = true;
            await LineAsync(heading);
        }
    }

    async Task ReasonAsync(string? status, string? reason)
    {
        if (reason is not null)
        {
            await LineAsync($"{Indent}{status} {Shown.Plain(reason)}");
        }
    }

    Task LineAsync(string text) => terminal.Out.WriteLineAsync(Clip(text, 0));

    /// <summary>What does not fit a line of the terminal is cut; a file gets all of it.</summary>
    string Clip(string text, int already)
    {
        var room = terminal.OutWidth is { } width ? Math.Max(width - already, 1) : int.MaxValue;
        return text.Length <= room ? text : text[..(room - 1)] + "…";
    }

    (string Before, string After) Colour(EntryState state) => terminal.OutColours
        ? (state switch
        {
            EntryState.Deferred => "\e[33m",
            EntryState.Held => "\e[35m",
            EntryState.Attempting => "\e[32m",
            _ => "",
        }, "\e[0m")
        : ("", "");

    string Age(DateTimeOffset time) => Span(terminal.Clock.GetUtcNow() - time);

    string Next(DateTimeOffset? time) => time is not { } next ? "-" : next <= terminal.Clock.GetUtcNow() ? "now" : Span(next - terminal.Clock.GetUtcNow());

    static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    static string Sender(string? sender) => sender is null ? "<>" : Shown.Plain(sender);

    static string Span(TimeSpan span) => string.Create(CultureInfo.InvariantCulture, $"{span switch
    {
        { TotalSeconds: < 0 } => "0s",
        { TotalMinutes: < 1 } => $"{(int)span.TotalSeconds}s",
        { TotalHours: < 1 } => $"{(int)span.TotalMinutes}m",
        { TotalDays: < 1 } => $"{(int)span.TotalHours}h{span.Minutes:00}m",
        _ => $"{(int)span.TotalDays}d{span.Hours:00}h",
    }}");

    static string Size(long octets) => octets switch
    {
        < 1000 => octets.ToString(CultureInfo.InvariantCulture),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{octets / 1000.0:0.0}K"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{octets / 1_000_000.0:0.0}M"),
    };
}

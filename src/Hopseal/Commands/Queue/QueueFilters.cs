using System.CommandLine;
using System.Globalization;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Relay.Queue;

namespace Hopseal.Commands.Queue;

/// <summary>The ids and filters by which every command of <c>hopseal queue</c> chooses entries.</summary>
sealed class QueueFilters(TimeProvider clock)
{
    readonly Argument<string[]> _ids = new("ID")
    {
        Description = "Messages, as `list` and the log name them.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    readonly Option<string?> _domain = new("--domain", "-d")
    {
        Description = "The recipients' domain; *.DOMAIN for every domain below it.",
        HelpName = "DOMAIN",
    };

    readonly Option<string?> _sender = new("--sender", "-s")
    {
        Description = "The sender; @DOMAIN for everybody there, <> for the null sender.",
        HelpName = "ADDRESS",
    };

    readonly Option<string?> _olderThan = new("--older-than") { Description = "Received longer ago: 90s, 30m, 2h, 3d.", HelpName = "AGE" };
    readonly Option<string?> _youngerThan = new("--younger-than") { Description = "Received more recently.", HelpName = "AGE" };
    readonly Option<EntryState?> _state = new("--state") { Description = "Where entries stand.", HelpName = "waiting|deferred|held|attempting" };

    public void AddTo(Command command)
    {
        command.Add(_ids);
        foreach (var option in (Option[])[_domain, _sender, _olderThan, _youngerThan, _state])
        {
            command.Add(option);
        }

        _state.CustomParser ??= result => result.Tokens switch
        {
            [{ Value: "waiting" }] => EntryState.Waiting,
            [{ Value: "deferred" }] => EntryState.Deferred,
            [{ Value: "held" }] => EntryState.Held,
            [{ Value: "attempting" }] => EntryState.Attempting,
            _ => Fail(result),
        };
    }

    /// <summary>Whether anything was chosen; <paramref name="byFilter"/> when not by ids alone.</summary>
    public bool Any(ParseResult parsed, out bool byFilter)
    {
        byFilter = new Option[] { _domain, _sender, _olderThan, _youngerThan, _state }.Any(option => parsed.GetResult(option) is not null);
        return byFilter || parsed.GetValue(_ids) is { Length: > 0 };
    }

    /// <exception cref="UsageException">One of them means nothing.</exception>
    public ControlRequest Request(ParseResult parsed, ControlCommand command)
    {
        var now = clock.GetUtcNow();
        return new ControlRequest
        {
            Version = ControlRequest.CurrentVersion,
            Command = command,
            Ids = [.. Ids(parsed.GetValue(_ids) ?? [])],
            Domain = parsed.GetValue(_domain) is { } domain ? Domain(domain) : null,
            Sender = parsed.GetValue(_sender) is { } sender ? (sender == "<>" ? "" : sender) : null,
            ReceivedBefore = parsed.GetValue(_olderThan) is { } older ? now - Age(older) : null,
            ReceivedAfter = parsed.GetValue(_youngerThan) is { } younger ? now - Age(younger) : null,
            State = parsed.GetValue(_state),
        };
    }

    /// <exception cref="UsageException">One is no id.</exception>
    public static IEnumerable<string> Ids(string[] texts)
    {
        if (texts.Length > ControlRequest.MaxIds)
        {
            throw new UsageException($"more than {ControlRequest.MaxIds} ids at once");
        }

        return texts.Select(text => QueueId.TryParse(text, out var id)
            ? id.Text
            : throw new UsageException($"{Shown.Text(text)} is no id of a message: one has 26 letters and digits"));
    }

    static string Domain(string text)
    {
        if (text.StartsWith('['))
        {
            return text;
        }

        var below = text.StartsWith("*.", StringComparison.Ordinal);
        return DomainName.TryParse(below ? text[2..] : text, out var name)
            ? below ? $"*.{name.Ascii}" : name.Ascii
            : throw new UsageException($"--domain: {Shown.Text(text)} is not a domain name, nor \"*.\" and one, nor an address in brackets");
    }

    static TimeSpan Age(string text)
    {
        const int MostDays = 10_000;
        var unit = text.Length == 0 ? default : text[^1] switch
        {
            's' => TimeSpan.FromSeconds(1),
            'm' => TimeSpan.FromMinutes(1),
            'h' => TimeSpan.FromHours(1),
            'd' => TimeSpan.FromDays(1),
            _ => default,
        };
        return unit != default
            && int.TryParse(text.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count * unit.TotalDays <= MostDays
            ? count * unit
            : throw new UsageException($"{Shown.Text(text)} is no age: write 90s, 30m, 2h or 3d");
    }

    static EntryState? Fail(System.CommandLine.Parsing.ArgumentResult result)
    {
        result.AddError("--state is none of waiting, deferred, held, attempting");
        return null;
    }
}

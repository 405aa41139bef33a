using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Monitor.Looks;
using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>How severe something is with a domain of ours, and with a partner's; null: it is not told.</summary>
readonly record struct Levels(AlertSeverity? Own, AlertSeverity? Partner)
{
    public static Levels Critical { get; } = new(AlertSeverity.Critical, AlertSeverity.Critical);

    public static Levels Warning { get; } = new(AlertSeverity.Warning, AlertSeverity.Warning);

    public static Levels Info { get; } = new(AlertSeverity.Info, AlertSeverity.Info);

    public static Levels None { get; }
}

/// <summary>Something that is wrong.</summary>
/// <param name="New">Where it was better in the reference.</param>
/// <param name="Old">Where it was not.</param>
sealed record Fault(string Rule, string Subject, Levels New, Levels Old, string Text, string Advice);

/// <param name="Then">In the reference; null where that does not have it.</param>
sealed record HostPair(string Name, HostFacts Now, HostFacts? Then);

/// <summary>A history as the rules read it: what is now, beside what is expected.</summary>
sealed class Comparison
{
    Comparison(DomainHistory history, Observation current)
    {
        History = history;
        Current = current;
        Hosts =
        [
            .. current.Facts.Hosts.Where(host => host.Name is not null).DistinctBy(host => host.Name)
                .Select(host => new HostPair(host.Name!, host, history.Reference?.Facts.Hosts.FirstOrDefault(then => then.Name == host.Name)))
        ];
    }

    public DomainHistory History { get; }

    public Observation Current { get; }

    /// <summary>Those with a name.</summary>
    public ImmutableArray<HostPair> Hosts { get; }

    public AuditFacts Now => Current.Facts;

    /// <summary>Null before there is a reference: nothing was better then.</summary>
    public AuditFacts? Then => History.Reference?.Facts;

    public bool IsOwn => History.Domain.As is WatchedAs.Own;

    public string Domain => History.Domain.Name.Ascii;

    /// <summary>Where its mail goes, if it takes any.</summary>
    public bool TakesMail => Now.Domain is { Mx.State: MxState.Found or MxState.Implicit };

    /// <summary>Null before the first observation.</summary>
    public static Comparison? Of(DomainHistory history) => history.Current is { } current ? new Comparison(history, current) : null;

    /// <summary>Each change since <paramref name="since"/>, the oldest first.</summary>
    public IEnumerable<(Observation Before, Observation After)> Changes(DateTimeOffset since) =>
        History.Recent.Zip(History.Recent.Skip(1)).Where(pair => pair.Second.FirstSeenAt >= since);

    /// <summary>For how long an address did not answer: what is known of it is from before. Null when it answered the last look.</summary>
    public TimeSpan? SilentFor(HostPair host, EndpointFacts endpoint, DateTimeOffset now)
    {
        var name = Asking.NameOf(host.Now, endpoint);
        return History.Looks.Unanswered.FirstOrDefault(part => part.Part == name) is { } silent ? now - silent.Since : null;
    }

    /// <param name="isNew">The reference was better.</param>
    public IEnumerable<Told> Tell(Fault fault, bool isNew)
    {
        isNew &= Then is not null;
        var levels = isNew ? fault.New : fault.Old;
        var advice = isNew ? $"{fault.Advice} If it is meant to be so: hopseal monitor accept {Domain}" : fault.Advice;
        return Level(levels) is { } severity ? [new Told(fault.Rule, isNew ? ToldOf.Loss : ToldOf.State, new Trouble(fault.Subject, severity, fault.Text, advice))] : [];
    }

    public IEnumerable<Told> TellChange(string rule, string subject, Levels levels, string text, string advice) =>
        Level(levels) is { } severity ? [new Told(rule, ToldOf.Change, new Trouble(subject, severity, text, advice))] : [];

    /// <param name="had">It is known of the reference: that must not be forgotten.</param>
    public static Told Unknown(string rule, string subject, bool had) => new(rule, had ? ToldOf.Loss : ToldOf.State, Trouble.Unknown(subject));

    /// <summary>One rule on all addresses of a host.</summary>
    /// <param name="good">Of one address; null: not known.</param>
    /// <param name="fault">Of those that are not good.</param>
    public IEnumerable<Told> OfAddresses(HostPair host, string rule, Func<EndpointFacts, bool?> good, Func<ImmutableArray<EndpointFacts>, Fault> fault)
    {
        ImmutableArray<EndpointFacts> bad = [.. host.Now.Endpoints.Where(endpoint => good(endpoint) is false)];
        return !bad.IsEmpty ? Tell(fault(bad), bad.Any(endpoint => Before(host, endpoint, good) is true))
            : host.Now.Endpoints.Any(endpoint => good(endpoint) is true) ? []
            : [Unknown(rule, SubjectOf(host), host.Then?.Endpoints.Any(endpoint => good(endpoint) is not null) is true)];
    }

    /// <summary>What the reference had there: at the same address, else at all addresses of the host, else, of a new host, at all hosts; null where that is
    /// not known.</summary>
    public bool? Before(HostPair host, EndpointFacts endpoint, Func<EndpointFacts, bool?> good)
    {
        if (host.Then is { } then)
        {
            return then.Endpoints.FirstOrDefault(other => other.Address == endpoint.Address) is { } same && good(same) is { } known ? known : All(then.Endpoints, good);
        }

        return Then is null ? null : All(Then.Hosts.SelectMany(other => other.Endpoints), good);
    }

    /// <summary>A host that came later is held against the others: that is a loss of the domain.</summary>
    public string SubjectOf(HostPair host) => host.Then is null && Then is not null ? Domain : host.Name;

    /// <summary>Null where it is known of none.</summary>
    public static bool? All(IEnumerable<EndpointFacts> endpoints, Func<EndpointFacts, bool?> good)
    {
        bool[] known = [.. endpoints.Select(good).OfType<bool>()];
        return known.Length == 0 ? null : Array.TrueForAll(known, each => each);
    }

    AlertSeverity? Level(Levels levels) => IsOwn ? levels.Own : levels.Partner;
}

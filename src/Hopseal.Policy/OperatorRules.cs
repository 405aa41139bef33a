using System.Collections.Frozen;
using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Smtp.Mail;

namespace Hopseal.Policy;

/// <summary>Finds the <c>Outbound.Rules</c> that apply to a name. All that match apply, not just the closest: their floors
/// combine by <c>Max</c>, so that a rule for one domain cannot lower what a rule for all of them asks for, unless it is an
/// exception.</summary>
/// <remarks>A destination is a domain (<c>bank.example</c>: that domain and nothing below it), <c>*.</c> and a domain
/// (<c>*.example</c>: everything below, at any depth, but not <c>example</c> itself), an address literal
/// (<c>[192.0.2.1]</c>), or <c>*</c>. U-labels and upper case mean the same as their A-labels. A rule may be for the mail of some senders
/// only (<see cref="SenderPattern"/>); one that is for everybody's mail is then the wider one.</remarks>
public sealed class OperatorRules
{
    const string BelowPrefix = "*.";
    const string Everything = "*";

    readonly FrozenDictionary<string, ImmutableArray<OutboundRule>> _byDestination;
    readonly FrozenDictionary<OutboundRule, int> _order;

    /// <exception cref="ArgumentException">A destination is none of the four forms: such a rule would silently never apply.</exception>
    public OperatorRules(ImmutableArray<OutboundRule> rules)
    {
        _byDestination = rules
            .GroupBy(rule => Canonical(rule.Destination))
            .ToFrozenDictionary(group => group.Key, group => group.ToImmutableArray());
        _order = rules.Distinct().Select((rule, index) => KeyValuePair.Create(rule, index)).ToFrozenDictionary();
    }

    /// <summary>Whether this text can be the destination of a rule.</summary>
    public static bool IsDestination(string text) => TryCanonical(text, out _);

    /// <summary>The rules that apply, in the order they were written.</summary>
    /// <param name="name">A recipient domain (a name or an address literal), or a next hop (the same).</param>
    /// <param name="sender">Null for the null sender, or where it is not known: rules for a sender do not apply then.</param>
    public ImmutableArray<OutboundRule> Matching(string name, Mailbox? sender)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_byDestination.Count == 0)
        {
            return [];
        }

        var key = TryCanonical(name, out var canonical) ? canonical : name;
        var matching = new List<OutboundRule>();
        Take(key);
        if (key is not ['[', ..])
        {
            for (var dot = key.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = key.IndexOf('.', dot + 1))
            {
                Take(string.Concat("*", key.AsSpan(dot)));
            }
        }

        Take(Everything);
        return [.. matching.Distinct().OrderBy(rule => _order[rule])];

        void Take(string destination) => matching.AddRange(
            _byDestination.GetValueOrDefault(destination, []).Where(rule => rule.Sender is null || rule.Sender.Matches(sender)));
    }

    /// <summary>Whether the one rule is for all that the other is for, destinations and senders, and for more.</summary>
    public static bool IsWider(OutboundRule rule, OutboundRule than)
    {
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentNullException.ThrowIfNull(than);
        var widerDestination = IsWider(rule.Destination, than.Destination);
        var coversSender = rule.Sender is null || (than.Sender is not null && rule.Sender.Covers(than.Sender));
        var widerSender = coversSender && than.Sender is not null && (rule.Sender is null || !than.Sender.Covers(rule.Sender));
        return coversSender && (widerDestination || (widerSender && Canonical(rule.Destination) == Canonical(than.Destination)));
    }

    /// <summary>Whether the one destination holds all of the other and more.</summary>
    /// <exception cref="ArgumentException">One is no destination.</exception>
    public static bool IsWider(string destination, string than)
    {
        var (wide, narrow) = (Canonical(destination), Canonical(than));
        if (wide == Everything)
        {
            return narrow != Everything;
        }

        // "*.example" holds "a.example" and "*.a.example".
        return wide.StartsWith(BelowPrefix, StringComparison.Ordinal)
            && narrow.Length > wide.Length - 1
            && narrow != wide
            && narrow.EndsWith(wide[1..], StringComparison.Ordinal);
    }

    /// <summary>What rules that apply together ask for, with the exceptions among them.</summary>
    /// <param name="matching">In the order in which they are shown.</param>
    /// <param name="vouched">Those of them that may be an exception, and whose proofs count: found by a name that nobody can forge.</param>
    internal static IEnumerable<TransportPolicy> Combine(ImmutableArray<OutboundRule> matching, ImmutableArray<OutboundRule> vouched)
    {
        ImmutableArray<OutboundRule> exceptions =
            [.. matching.Where(rule => rule.Exception is not null && vouched.Contains(rule)).OrderBy(rule => rule.Floor)];
        foreach (var rule in matching)
        {
            foreach (var policy in Policies(rule))
            {
                yield return exceptions.FirstOrDefault(exception => Lowers(exception, policy) && MayLower(exception, rule)) is { } by
                    ? new TransportPolicy.Excepted(policy, Floor(by))
                    : policy;
            }
        }

        IEnumerable<TransportPolicy> Policies(OutboundRule rule)
        {
            yield return Floor(rule);
            if (rule.MinimumVersion is { } version)
            {
                yield return new TransportPolicy.MinimumVersion(version, rule.Source);
            }

            if (!rule.Pins.IsEmpty)
            {
                yield return new TransportPolicy.Pinned(rule.Pins, rule.Source, vouched.Contains(rule));
            }

            if (rule.Authority is { } authority)
            {
                yield return new TransportPolicy.PrivateAuthority(authority, rule.Source, vouched.Contains(rule));
            }
        }

        TransportPolicy.Operator Floor(OutboundRule rule) =>
            new(rule.Floor, rule.Source, exceptions.Contains(rule) ? rule.Exception : null);
    }

    /// <summary>What is shown of ours: by the rule that none of the others is narrower than; of several, the first.</summary>
    internal static ShownCertificate? Certificate(ImmutableArray<OutboundRule> matching)
    {
        var candidates = matching.Where(rule => rule.ClientCertificate is not null).ToArray();
        var chosen = Array.Find(candidates, rule => !Array.Exists(candidates, other => IsWider(rule, other)));
        return chosen is null ? null : new ShownCertificate(chosen.ClientCertificate!, chosen.Source);
    }

    /// <summary>See <see cref="HostPlan.AuthenticatedHopBy"/>. One rule that says no is enough.</summary>
    /// <param name="vouched">As in <see cref="Combine"/>.</param>
    internal static string? AuthenticatedHop(ImmutableArray<OutboundRule> matching, ImmutableArray<OutboundRule> vouched) =>
        matching.Any(rule => rule.AuthenticatedHop == false) ? null : vouched.FirstOrDefault(rule => rule.AuthenticatedHop == true)?.Source;

    static bool MayLower(OutboundRule exception, OutboundRule rule) =>
        IsWider(rule, exception) || (rule.Required && Canonical(rule.Destination) == Canonical(exception.Destination));

    static bool Lowers(OutboundRule exception, TransportPolicy policy) =>
        exception.Floor < policy.Floor
        || (policy is TransportPolicy.MinimumVersion minimum && exception.MinimumVersion < minimum.Version);

    static string Canonical(string destination) =>
        TryCanonical(destination, out var canonical) ? canonical : throw new ArgumentException($"not a destination: {destination}");

    static bool TryCanonical(string text, out string canonical)
    {
        canonical = Everything;
        if (text == Everything)
        {
            return true;
        }

        if (AddressLiteral.TryParse(text, out var address))
        {
            canonical = AddressLiteral.Write(address);
            return true;
        }

        var below = text.StartsWith(BelowPrefix, StringComparison.Ordinal);
        if (!DomainName.TryParse(below ? text.AsSpan(BelowPrefix.Length) : text, out var name))
        {
            return false;
        }

        canonical = below ? BelowPrefix + name.Ascii : name.Ascii;
        return true;
    }
}

using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Monitor.Requiring;

/// <summary>What a domain's mail has to have because somebody said so while the gateway ran, mostly of what the domain had proved: an entry of <c>Outbound.Rules</c>
/// that no configuration holds.</summary>
/// <param name="Domain">It and nothing below it.</param>
/// <param name="Floor">Encrypted or Authenticated.</param>
/// <param name="MinimumVersion">Null: nothing said.</param>
/// <param name="Names">As <c>Outbound.Rules[].Names</c>; only with Authenticated.</param>
/// <param name="Owner">Who said so.</param>
/// <param name="Because">What it rests on, for people.</param>
public sealed record RequiredRule(
    DomainName Domain, SecurityFloor Floor, TlsVersion? MinimumVersion, ImmutableArray<string> Names, string Owner, DateTimeOffset Since, string Because)
{
    const int MostNames = 100;
    const int LongestOwner = 200;
    const int LongestBecause = 2000;

    /// <summary>As plans and records name it.</summary>
    public string Source => $"required ({Domain.Ascii})";

    /// <summary>As the planner takes it.</summary>
    public OutboundRule Rule => new(Domain.Ascii, Floor, Names, Source) { MinimumVersion = MinimumVersion, Required = true };

    /// <summary>Why it can be no rule; null when it can.</summary>
    public string? Fault => this switch
    {
        { Floor: not (SecurityFloor.Encrypted or SecurityFloor.Authenticated) } => "Tls has to be Encrypted or Authenticated",
        { Floor: not SecurityFloor.Authenticated, Names.IsEmpty: false } => "Names are checked with Authenticated only",
        { Names.Length: > MostNames } => $"there are more than {MostNames} Names",
        _ when Names.FirstOrDefault(name => !IsName(name)) is { } wrong => $"{Plain(wrong)} is no host name, nor \"*.\" and a domain name",
        _ when !IsText(Owner, LongestOwner) => $"the owner needs 1 to {LongestOwner} characters in one line",
        _ when !IsText(Because, LongestBecause) => $"the reason needs 1 to {LongestBecause} characters in one line",
        _ => null,
    };

    /// <summary>Whether it asks for less than the other one does.</summary>
    public bool IsBelow(RequiredRule other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Floor < other.Floor || (MinimumVersion ?? TlsVersion.Tls12) < (other.MinimumVersion ?? TlsVersion.Tls12);
    }

    public bool Equals(RequiredRule? other) =>
        other is not null
        && (Domain, Floor, MinimumVersion, Owner, Since, Because) == (other.Domain, other.Floor, other.MinimumVersion, other.Owner, other.Since, other.Because)
        && Names.AsSpan().SequenceEqual(other.Names.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Domain, Floor, Since);

    static bool IsName(string text) => DomainName.TryParse(text.StartsWith("*.", StringComparison.Ordinal) ? text.AsSpan(2) : text, out _);

    static bool IsText(string text, int longest) => !string.IsNullOrWhiteSpace(text) && text.Length <= longest && !text.Any(char.IsControl);

    static string Plain(string text) => string.Concat(text.Take(100).Where(character => !char.IsControl(character)));
}

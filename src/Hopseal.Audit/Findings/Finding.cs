using System.Collections.Immutable;

namespace Hopseal.Audit.Findings;

/// <summary>What a check came to. From best to worst, but for <see cref="Unknown"/>, which is no judgement.</summary>
public enum Verdict
{
    Ok,

    /// <summary>Worth knowing; nothing is wrong.</summary>
    Info,

    Warn,

    Fail,

    /// <summary>It could not be found out: no answer, greylisting, too many connections. Never held against anybody.</summary>
    Unknown,
}

/// <summary>The three questions that an audit answers.</summary>
public enum Question
{
    /// <summary>Can nobody on the way read the mail?</summary>
    Confidential,

    /// <summary>Can senders know that they talk to the right host?</summary>
    Authenticated,

    /// <summary>Would somebody notice if it broke?</summary>
    Watched,
}

/// <summary>One answer of one check about one subject.</summary>
/// <param name="Id">Stable: scripts rely on it. See <see cref="CheckIds"/>.</param>
/// <param name="Subject">What it is about: a domain, a host, or a host and an address.</param>
/// <param name="Title">One line for people.</param>
/// <param name="Evidence">What was seen, in the peer's own words where they matter; bounded.</param>
/// <param name="Basis">The section of the standard or guideline that it goes by; null for a plain observation.</param>
/// <param name="Remedy">What to do about it; null where nothing has to be done.</param>
public sealed record Finding(
    string Id,
    string Subject,
    Question Question,
    Verdict Verdict,
    string Title,
    ImmutableArray<string> Evidence,
    string? Basis = null,
    Remedy? Remedy = null);

/// <param name="Text">For people.</param>
/// <param name="Snippets">Configuration by server: Postfix, Exim, Exchange, Hopseal, DNS.</param>
public sealed record Remedy(string Text, ImmutableDictionary<string, string> Snippets)
{
    public static Remedy Of(string text, params (string Server, string Snippet)[] snippets) =>
        new(text, snippets.ToImmutableDictionary(snippet => snippet.Server, snippet => snippet.Snippet));
}

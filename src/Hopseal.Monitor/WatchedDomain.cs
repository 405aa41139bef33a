using Hopseal.Dns;

namespace Hopseal.Monitor;

/// <summary>A domain that is looked at from outside, again and again.</summary>
public sealed record WatchedDomain(DomainName Name, WatchedAs As);

/// <summary>Why it is watched. The numbers are stored.</summary>
public enum WatchedAs
{
    /// <summary>Ours: what is wrong with it is ours to mend.</summary>
    Own = 0,

    /// <summary>We exchange mail with it.</summary>
    Partner = 1,
}

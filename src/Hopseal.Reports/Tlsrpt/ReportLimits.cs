namespace Hopseal.Reports.Tlsrpt;

/// <summary>How large anything in a report may be. Reports come from anybody; the largest that are known stay far below.</summary>
static class ReportLimits
{
    /// <summary>Of a file or a message, as it comes.</summary>
    public const int MostOctets = 16 * 1024 * 1024;

    /// <summary>Of a zip archive: each of its entries costs memory before it is looked at.</summary>
    public const int MostZipOctets = 4 * 1024 * 1024;

    /// <summary>Of the JSON text, unpacked.</summary>
    public const int MostJsonOctets = 20 * 1024 * 1024;

    /// <summary>Braces, names and values of the JSON text.</summary>
    public const int MostTokens = 1_000_000;

    /// <summary>A report needs 6.</summary>
    public const int MostDepth = 16;

    public const int MostPolicies = 1000;

    /// <summary>In all policies together.</summary>
    public const int MostFailures = 20_000;

    /// <summary>Lines of a policy, and patterns of hosts.</summary>
    public const int MostLines = 100;

    /// <summary>Of one text; what is longer is cut.</summary>
    public const int MostCharacters = 1000;

    /// <summary>So that sums over a whole report cannot overflow.</summary>
    public const long MostSessions = 1_000_000_000_000;

    public const int MostWarnings = 50;

    /// <summary>Of what may be header fields, before it is known whether it is.</summary>
    public const int MostSectionOctets = 1024 * 1024;

    /// <summary>Header fields of a message and all its parts.</summary>
    public const int MostFields = 2000;

    /// <summary>Of all these fields together.</summary>
    public const int MostFieldOctets = 256 * 1024;

    /// <summary>Parts of a message; with more it is not read.</summary>
    public const int MostPartsRead = 1000;

    /// <summary>Parts of one message that are looked into.</summary>
    public const int MostParts = 100;

    /// <summary>In one message: each may unpack to <see cref="MostJsonOctets"/>.</summary>
    public const int MostReports = 20;
}

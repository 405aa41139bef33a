using System.Globalization;

namespace Hopseal.Reports.Evidence;

/// <summary>Something that is not as the gateway wrote it.</summary>
/// <param name="File">Its name; null where it is about the ledger as a whole.</param>
/// <param name="Line">From 1; null where it is about the file as a whole.</param>
/// <param name="Seq">Of the entry there; null where there is none.</param>
/// <param name="What">For people.</param>
public sealed record ChainFault(string? File, long? Line, long? Seq, string What)
{
    /// <summary>As <c>file:line:seq: what</c>.</summary>
    public override string ToString() => string.Join(
        ":", new[] { File, Line?.ToString(CultureInfo.InvariantCulture), Seq is { } seq ? string.Create(CultureInfo.InvariantCulture, $"#{seq}") : null }.OfType<string>())
        + (File is null ? What : $": {What}");
}

namespace Hopseal.Reports.Evidence;

/// <summary>Whether a ledger is as the gateway wrote it.</summary>
public static class LedgerVerification
{
    /// <summary>Null when there is none.</summary>
    /// <param name="from">The first day (UTC); null: from the beginning.</param>
    /// <param name="to">The last day.</param>
    /// <param name="hash">Of an entry that has to be there, as it left the machine in a log line.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static async Task<ChainStatus?> RunAsync(LedgerFiles files, DateOnly? from, DateOnly? to, string? hash, CancellationToken cancel) =>
        LedgerReader.OfDays(files, from, to, hash) is { } reader ? await reader.ReadAsync(null, null, cancel) : null;

    /// <summary>The same for one file.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static Task<ChainStatus> RunAsync(string file, string? hash, CancellationToken cancel) => LedgerReader.OfFile(file, hash).ReadAsync(null, null, cancel);
}

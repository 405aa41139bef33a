using Hopseal.Reports.Evidence;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Reports.Tests.Evidence;

/// <summary>A ledger in a directory of its own.</summary>
sealed class LedgerDirectory : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-evidence-").FullName;

    public FakeTimeProvider Clock { get; } = new(Records.Noon);

    public LedgerFiles Files => LedgerFiles.In(_directory);

    public string Root => _directory;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public EvidenceLedger Open(EvidenceOptions? options = null, ILogger<EvidenceLedger>? log = null, int capacity = 1000) =>
        new(Files, options ?? new EvidenceOptions(), "digest", Clock, log ?? NullLogger<EvidenceLedger>.Instance, capacity);

    /// <summary>One life of a gateway.</summary>
    public async Task RunAsync(Action<EvidenceLedger> use, EvidenceOptions? options = null)
    {
        await using var ledger = Open(options);
        use(ledger);
    }

    public string FileOf(string day) => Path.Combine(Files.Directory, $"{day}.jsonl");

    public string[] Lines() => [.. Files.Days().SelectMany(file => File.ReadAllLines(file.Path))];

    public async Task<ChainStatus> VerifyAsync(string? head = null) =>
        await LedgerVerification.RunAsync(Files, null, null, head, Cancel) ?? throw new InvalidOperationException("there is no ledger");

    public async Task AssertWholeAsync()
    {
        var status = await VerifyAsync();
        Assert.True(status.IsWhole, string.Join('\n', status.Faults));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}

using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Reports.Tlsrpt.Mail;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>Takes reports as they come, by mail, by HTTPS or from a file: reads them, looks who stands for them, and keeps them.</summary>
/// <remarks>They are read one at a time, since each may unpack to many times its size. While DNS is asked for keys others are read, as far as memory allows.</remarks>
/// <param name="signature">Null: nothing is looked for in DNS, and so nobody stands for what comes by mail.</param>
public sealed partial class ReportIntake(ReportStore store, ReportSignature? signature, TimeProvider clock, ILogger<ReportIntake> log) : IDisposable
{
    /// <summary>As large as anything that comes may be. What is larger is put aside without its content.</summary>
    public const int MostOctets = ReportLimits.MostOctets;

    /// <summary>After this time a report whose key cannot be had is kept as it is, and does not count.</summary>
    static readonly TimeSpan s_longestWait = TimeSpan.FromHours(24);

    /// <summary>Nearly all are far smaller.</summary>
    const int LargeOctets = 1024 * 1024;

    readonly SemaphoreSlim _small = new(8);
    readonly SemaphoreSlim _large = new(1);
    readonly SemaphoreSlim _reading = new(1);

    /// <summary>A message that came. Completes when what is in it is kept.</summary>
    /// <param name="from">The envelope's sender; null for the null sender.</param>
    /// <param name="receivedAt">When we said 250 to it.</param>
    /// <param name="givesUpAt">When it will be given here for the last time.</param>
    /// <returns>Null: its key cannot be had now; it should be given here again later.</returns>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">Nothing was kept.</exception>
    public async Task<ImmutableArray<TakenReport>?> TakeMailAsync(
        Stream content, long size, string? from, DateTimeOffset receivedAt, DateTimeOffset givesUpAt, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(content);
        var places = size > LargeOctets ? _large : _small;
        await places.WaitAsync(cancel);
        try
        {
            if (await ReadAsync(content, cancel) is not { } octets)
            {
                var large = new ReportSource(ReportOrigin.Mail, from, new ReportProof.Unsigned(), receivedAt);
                return await KeepAsync(large, () => [TooLarge], default, size, cancel);
            }

            ReportProof proof = signature is null ? new ReportProof.Unsigned() : await signature.CheckAsync(octets, cancel);
            if (proof is ReportProof.Unknown unknown && clock.GetUtcNow() is var now && now < receivedAt + s_longestWait && now < givesUpAt)
            {
                LogPutOff(log, Text(from), unknown.Why);
                return null;
            }

            return await KeepAsync(new ReportSource(ReportOrigin.Mail, from, proof, receivedAt), () => [.. ReportMail.Read(octets, "")], octets, octets.Length, cancel);
        }
        finally
        {
            places.Release();
        }
    }

    /// <summary>The body of a POST (RFC 8460 §5.4). Completes when what is in it is kept.</summary>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">Nothing was kept.</exception>
    public async Task<TakenReport> TakeBodyAsync(ReadOnlyMemory<byte> body, string from, CancellationToken cancel)
    {
        var source = new ReportSource(ReportOrigin.Https, from, new ReportProof.Unsigned(), clock.GetUtcNow());
        return (await KeepAsync(source, Read, body, body.Length, cancel))[0];

        ImmutableArray<ReportItem> Read()
        {
            var notes = new ReportNotes();
            return [new ReportItem("", ReportClaims.Compare(PackedReport.Read(body, notes), [], notes))];
        }
    }

    /// <summary>What an operator found in a file. Completes when it is kept.</summary>
    /// <param name="proof">Who stands for it, where that was looked for.</param>
    /// <returns>One for each item, in its order.</returns>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">Nothing was kept.</exception>
    public Task<ImmutableArray<TakenReport>> TakeFileAsync(ReportContent content, string file, ReportProof proof, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(content);
        return KeepAsync(new ReportSource(ReportOrigin.File, file, proof, clock.GetUtcNow()), () => content.Items, content.Octets, content.Octets.Length, cancel);
    }

    public void Dispose()
    {
        _small.Dispose();
        _large.Dispose();
        _reading.Dispose();
    }

    static ReportItem TooLarge { get; } = new("", new ReadReport.Rejected(
        string.Create(CultureInfo.InvariantCulture, $"it is larger than {MostOctets} octets")));

    async Task<ImmutableArray<TakenReport>> KeepAsync(
        ReportSource source, Func<ImmutableArray<ReportItem>> read, ReadOnlyMemory<byte> octets, long size, CancellationToken cancel)
    {
        await _reading.WaitAsync(cancel);
        try
        {
            var items = read();
            var clean = source with { From = source.From is { } from ? ReportText.Clean(from, out _) : null };
            var taken = await store.TakeAsync(clean, items, octets, size, cancel);
            foreach (var (item, result) in items.Zip(taken))
            {
                Tell(clean, item, result);
            }

            return taken;
        }
        finally
        {
            _reading.Release();
        }
    }

    void Tell(ReportSource source, ReportItem item, TakenReport taken)
    {
        var report = (item.Result as ReadReport.Accepted)?.Report;
        var (from, organization) = (Text(source.From), report?.Organization ?? "somebody");
        switch (taken)
        {
            case TakenReport.Stored stored:
                LogStored(
                    log, stored.Id, organization, report!.Period.FirstDay.ToString("O", CultureInfo.InvariantCulture), source.Origin, from, source.Proof,
                    report.Policies.Sum(policy => policy.Successful), report.Policies.Sum(policy => policy.Failed));
                break;
            case TakenReport.KnownAlready known:
                LogKnown(log, known.Id, organization, source.Origin, from);
                break;
            case TakenReport.PutAside aside:
                LogPutAside(log, source.Origin, from, aside.Why);
                break;
            case TakenReport.Refused refused:
                LogRefused(log, source.Origin, from, refused.Why);
                break;
            default:
                throw new ArgumentException($"unknown result {taken}", nameof(taken));
        }
    }

    /// <summary>Null where it is too large.</summary>
    static async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(Stream content, CancellationToken cancel)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await content.ReadAsync(buffer, cancel) is > 0 and var read)
        {
            if (whole.Length + read > MostOctets)
            {
                // A bare null would become an empty one, by way of an array.
                return default(ReadOnlyMemory<byte>?);
            }

            whole.Write(buffer, 0, read);
        }

        return whole.GetBuffer().AsMemory(0, (int)whole.Length);
    }

    static string Text(string? from) => from is null ? "<>" : ReportText.Clean(from, out _);

    [LoggerMessage(2901, LogLevel.Information,
        "TLS report {Report} of {Organization} about {Day}, by {Origin} from {From}, {Proof}: {Successful} sessions good, {Failed} failed")]
    static partial void LogStored(
        ILogger log, long report, string organization, string day, ReportOrigin origin, string from, ReportProof proof, long successful, long failed);

    [LoggerMessage(2902, LogLevel.Information, "TLS report {Report} of {Organization} came again, by {Origin} from {From}")]
    static partial void LogKnown(ILogger log, long report, string organization, ReportOrigin origin, string from);

    [LoggerMessage(2903, LogLevel.Warning, "What came as a TLS report by {Origin} from {From} was put aside: {Why}")]
    static partial void LogPutAside(ILogger log, ReportOrigin origin, string from, string why);

    [LoggerMessage(2904, LogLevel.Warning, "A TLS report by {Origin} from {From} is not kept: {Why}")]
    static partial void LogRefused(ILogger log, ReportOrigin origin, string from, string why);

    [LoggerMessage(2905, LogLevel.Information, "A TLS report by mail from {From} waits: {Why}")]
    static partial void LogPutOff(ILogger log, string from, string why);
}

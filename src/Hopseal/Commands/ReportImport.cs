using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Configuration;
using Hopseal.Parts;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Receiving;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Commands;

/// <summary>What <c>hopseal report import</c> does with reports beside showing them: looks who stands for them, and keeps them. It writes into the
/// database of a gateway that may run; each waits for the other for a moment only.</summary>
sealed class ReportImport : IAsyncDisposable
{
    readonly ReportSignature? _signature;
    readonly RecordsDatabase? _database;
    readonly ReportIntake? _intake;

    ReportImport(ReportSignature? signature, RecordsDatabase? database, ReportIntake? intake)
    {
        _signature = signature;
        _database = database;
        _intake = intake;
    }

    /// <param name="file">Of the gateway's configuration; null: not given.</param>
    /// <exception cref="UsageException">There is no such gateway, or no resolver.</exception>
    public static ReportImport Create(string? file, bool store, bool verify, Terminal terminal)
    {
        var configuration = store || file is not null ? ConfigurationArgument.Load(file ?? "hopseal.json", terminal) : null;
        var signature = verify
            ? new ReportSignature(ConfigurationArgument.Resolver(configuration?.Dns ?? DnsSettings.Standard, terminal), terminal.Clock)
            : null;
        if (!store)
        {
            return new ReportImport(signature, null, null);
        }

        var database = Open(configuration!.DataDirectory);
        var reports = new ReportStore(
            database,
            (domain, kind) => TlsReportIntake.IsOurs(configuration, domain, kind),
            new IntakeLimits { Days = configuration.ReportIntake.Days });
        return new ReportImport(signature, database, new ReportIntake(reports, null, terminal.Clock, NullLogger<ReportIntake>.Instance));
    }

    /// <summary>In words, for one line.</summary>
    public static string Words(TakenReport taken) => taken switch
    {
        TakenReport.Stored stored => string.Create(CultureInfo.InvariantCulture, $"kept as {stored.Id}"),
        TakenReport.KnownAlready known => string.Create(CultureInfo.InvariantCulture, $"known already, as {known.Id}"),
        TakenReport.PutAside aside => $"not kept, but put aside: {aside.Why}",
        TakenReport.Refused refused => $"not kept: {refused.Why}",
        _ => throw new ArgumentException($"unknown result {taken}", nameof(taken)),
    };

    /// <summary>Null, and none, where it was not asked for.</summary>
    /// <exception cref="IOException">It cannot be kept.</exception>
    public async Task<(ReportProof? Proof, ImmutableArray<TakenReport> Kept)> TakeAsync(ReportContent content, string file, CancellationToken cancel)
    {
        var proof = _signature is null ? null
            : content.IsMail ? await _signature.CheckAsync(content.Octets, cancel)
            : new ReportProof.Unsigned();
        try
        {
            return (proof, _intake is null ? [] : await _intake.TakeFileAsync(content, file, proof ?? new ReportProof.Unsigned(), cancel));
        }
        catch (SqliteException e)
        {
            throw new IOException($"it cannot be kept: {e.Message}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _intake?.Dispose();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    /// <summary>One that this user would make could not be opened by the gateway's.</summary>
    static RecordsDatabase Open(string directory)
    {
        if (!File.Exists(Path.Combine(directory, RecordsDatabase.FileName)))
        {
            throw new UsageException($"there is no {RecordsDatabase.FileName} in {directory}, or none that {Environment.UserName} may see: the gateway makes it when it starts");
        }

        try
        {
            return RecordsDatabase.Open(directory, Telling.Tables, NullLogger<RecordsDatabase>.Instance);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new UsageException(e.Message);
        }
    }
}

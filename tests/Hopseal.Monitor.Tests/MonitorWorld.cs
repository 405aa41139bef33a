using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Profiles;
using Hopseal.Dns;
using Hopseal.Monitor.Store;
using Hopseal.Reports.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Monitor.Tests;

/// <summary>A monitor with a database of its own, a clock that stands still, and looks that see what the test says.</summary>
sealed class MonitorWorld : IAsyncDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-monitor-").FullName;
    readonly ConcurrentDictionary<string, Func<CancellationToken, Task<AuditFacts>>> _sights = new();
    CancellationTokenSource _stop = new();
    RecordsDatabase? _database;
    Task _running = Task.CompletedTask;

    public FakeTimeProvider Clock { get; } = new(BankFacts.At);

    public MonitorOptions Options { get; init; } = new() { Brisk = TimeSpan.FromMinutes(1) };

    public ListLogger Log { get; } = new();

    /// <summary>Names of domains in the order in which they were looked at.</summary>
    public ConcurrentQueue<string> Looked { get; } = new();

    public MonitorStore Store => new(_database!);

    public MonitorQuery Query { get; private set; } = null!;

    public DomainMonitor Monitor { get; private set; } = null!;

    public int Renewed { get; private set; }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static WatchedDomain Own(string name) => new(DomainName.Parse(name), WatchedAs.Own);

    public static WatchedDomain Partner(string name) => new(DomainName.Parse(name), WatchedAs.Partner);

    /// <summary>From now on; the time of the look is the clock's.</summary>
    public void See(string domain, AuditFacts facts) => See(domain, _ => Task.FromResult(facts with { At = Clock.GetUtcNow() }));

    public void See(string domain, Func<CancellationToken, Task<AuditFacts>> sight) => _sights[domain] = sight;

    public MonitorWorld Open()
    {
        _database = RecordsDatabase.Open(_directory, [MonitorTables.Part], NullLogger<RecordsDatabase>.Instance);
        Query = new MonitorQuery(_database, Clock);
        Monitor = new DomainMonitor(Store, Query, LookAsync, () => Renewed++, Profile.Named(Profile.Default), Options, Clock, () => 0.5, Log);
        return this;
    }

    public void Run(params ImmutableArray<WatchedDomain> domains) => _running = Task.Run(() => Monitor.RunAsync(domains, _stop.Token), CancellationToken.None);

    /// <summary>A look now, and what it came to. Waits until the monitor has begun.</summary>
    public async Task<LookReport> LookAsync(string domain = BankFacts.Domain)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        end.CancelAfter(s_patience);
        while (true)
        {
            end.Token.ThrowIfCancellationRequested();
            if (await Monitor.LookNowAsync(domain, end.Token) is { } report)
            {
                return report;
            }

            await Task.Yield();
        }
    }

    public async Task<LookReport> LookAsync(AuditFacts facts, string domain = BankFacts.Domain)
    {
        See(domain, facts);
        return await LookAsync(domain);
    }

    /// <summary>Stops the monitor, as its gateway does.</summary>
    public async Task CloseAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _database!.DisposeAsync();
        _stop.Dispose();
        _stop = new CancellationTokenSource();
    }

    /// <summary>Moves the clock in small steps until it is so.</summary>
    public async Task PassAsync(Func<bool> isSo, TimeSpan step)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        end.CancelAfter(s_patience);
        for (var i = 0; !isSo(); i++)
        {
            end.Token.ThrowIfCancellationRequested();
            if (i % 50 == 49)
            {
                Clock.Advance(step);
            }

            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _stop.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    public Task WriteAsync(string sql) => _database!.WriteAsync(
        connection =>
        {
            using var command = connection.CreateCommand();
#pragma warning disable CA2100 // of the test
            command.CommandText = sql;
#pragma warning restore CA2100
            command.ExecuteNonQuery();
        },
        Cancel);

    Task<AuditFacts> LookAsync(WatchedDomain domain, CancellationToken cancel)
    {
        Looked.Enqueue(domain.Name.Ascii);
        return _sights.TryGetValue(domain.Name.Ascii, out var sight) ? sight(cancel) : Task.FromResult(BankFacts.All with { Target = domain.Name.Ascii, At = Clock.GetUtcNow() });
    }

    /// <summary>Keeps what is logged.</summary>
    public sealed class ListLogger : ILogger<DomainMonitor>
    {
        public ConcurrentQueue<(int Id, LogLevel Level, string Text)> Lines { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue((eventId.Id, logLevel, formatter(state, exception)));
    }
}

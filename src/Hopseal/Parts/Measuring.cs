using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Policy.MtaSts;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Reports.Metrics;
using Hopseal.Reports.Sessions;
using Hopseal.Smtp.Server;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Hopseal.Parts;

/// <summary>The gateway in numbers, and whoever they are shown or sent to. Sessions only hand in their records, as to every other reader.</summary>
sealed partial class Measuring : IAsyncDisposable
{
    static readonly TimeSpan s_interval = TimeSpan.FromSeconds(15);

    // What is asked first of a process that is slow or grows. Of the rest, some has names or types that Prometheus' own rules forbid.
    static readonly ImmutableArray<string> s_ofRuntime =
    [
        "dotnet.process.cpu.time", "dotnet.process.memory.working_set", "dotnet.gc.heap.total_allocated", "dotnet.gc.collections", "dotnet.gc.pause.time",
    ];

    // A look at the queue may take this part of the time.
    const int QueueShare = 50;
    const int CollectorMilliseconds = 10_000;
    const int StopMilliseconds = 5000;

    readonly GatewayConfiguration _configuration;
    readonly GatewayMetrics? _metrics;
    readonly ILoggerFactory _logs;
    readonly ILogger _log;
    readonly TimeProvider _clock;
    MeterProvider? _provider;
    MetricsServer? _server;
    QueueDepth? _depth;
    bool _queueFailing;
    DateTimeOffset _queueDue;

    public Measuring(GatewayConfiguration configuration, ILoggerFactory logs, TimeProvider clock)
    {
        (_configuration, _logs, _log, _clock) = (configuration, logs, logs.CreateLogger<Measuring>(), clock);
        _metrics = configuration.Metrics.Wanted
            ? new GatewayMetrics(configuration.Listeners.ToDictionary(
                listener => listener.Name,
                listener => listener.Mode is ListenerMode.StartTls ? TransportLevel.Plaintext : TransportLevel.Encrypted))
            : null;
    }

    /// <summary>One more reader of the records; null when nobody wants metrics.</summary>
    public ISessionSink? Reader => _metrics;

    public void Count(StsNews news) => _metrics?.Count(news);

    /// <exception cref="GatewayStartException">The endpoint cannot be listened on.</exception>
    public async Task StartAsync()
    {
        if (_metrics is null)
        {
            return;
        }

        var settings = _configuration.Metrics;
        var builder = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => resource.AddService(
                "hopseal", serviceVersion: typeof(Gateway).Assembly.GetName().Version?.ToString(3), serviceInstanceId: _configuration.Hostname.Ascii))
            .AddMeter(GatewayMetrics.MeterName)
            .AddMeter("System.Runtime")
            .AddView(instrument => instrument.Meter.Name is GatewayMetrics.MeterName || s_ofRuntime.Contains(instrument.Name) ? null : MetricStreamConfiguration.Drop);
        if (settings.Endpoint is not null)
        {
            builder.AddPrometheusExporter();
        }

        if (settings.Otlp is not null)
        {
            builder.AddOtlpExporter((exporter, reader) =>
            {
                exporter.Endpoint = settings.Otlp;
                exporter.Protocol = settings.Protocol;
                exporter.TimeoutMilliseconds = CollectorMilliseconds;
                exporter.HttpClientFactory = () => new HttpClient(new OtlpWatch(_logs.CreateLogger<OtlpWatch>()))
                {
                    Timeout = TimeSpan.FromMilliseconds(CollectorMilliseconds),
                };
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)settings.Interval.TotalMilliseconds;
            });
        }

        _provider = builder.Build();
        _metrics.Begin();
        if (settings.Endpoint is { } endpoint)
        {
            _server = await MetricsServer.StartAsync(endpoint, _configuration.Hostname.Ascii, _provider, _logs);
        }
    }

    /// <summary>What looks at the rest of the gateway for what is no record.</summary>
    public ImmutableArray<Periodic> Work(
        SqliteQueueStore store, OwnCertificates certificates, Remembered remembered, Telling telling, Monitoring monitoring, ResolverWatch? resolver) =>
        _metrics is null ? [] : [new(s_interval, stop => LookAsync(_metrics, store, certificates, remembered, telling, monitoring, resolver, stop), AtOnce: true)];

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        // Sends what is not sent yet; a collector that does not answer holds the stop up no longer than this.
        if (_provider is not null)
        {
            await Task.Run(() => _provider.Shutdown(StopMilliseconds));
            _provider.Dispose();
        }

        _metrics?.Dispose();
    }

    async Task LookAsync(
        GatewayMetrics metrics,
        SqliteQueueStore store,
        OwnCertificates certificates,
        Remembered remembered,
        Telling telling,
        Monitoring monitoring,
        ResolverWatch? resolver,
        CancellationToken stop)
    {
        await LookAtQueueAsync(store, stop);
        var now = _clock.GetUtcNow();
        metrics.Set(new GatewayReadings(
            _depth,
            _depth is null ? null : _depth.OldestReceivedAt is { } oldest && oldest < now ? now - oldest : TimeSpan.Zero,
            remembered.Policies.Snapshot().Length,
            resolver?.Health?.State,
            [.. certificates.Served.InUse.Select(used => (used.Files.Chain, used.Certificate.Description.NotAfter - now))],
            [.. certificates.Standings.Select(one => (one.Host.Ascii, one.Standing))],
            telling.Sessions.Dropped,
            telling.DatabaseLost,
            telling.Stripping.Suspects().Count)
        {
            Monitor = monitoring.Readings,
        });
    }

    /// <summary>Seldom where it takes long: a backlog is when the disk has other things to do.</summary>
    async Task LookAtQueueAsync(SqliteQueueStore store, CancellationToken stop)
    {
        if (_clock.GetUtcNow() < _queueDue)
        {
            return;
        }

        var began = _clock.GetTimestamp();
        try
        {
            _depth = await store.MeasureAsync(stop);
            _queueFailing = false;
        }
        catch (QueueStoreException e)
        {
            _depth = null;
            if (!_queueFailing)
            {
                _queueFailing = true;
                LogNoDepth(e);
            }
        }

        _queueDue = _clock.GetUtcNow() + (_clock.GetElapsedTime(began) * QueueShare);
    }

    [LoggerMessage(3203, LogLevel.Warning, "How much is in the queue cannot be read, so no metric says it. Said once, until it can")]
    partial void LogNoDepth(Exception e);
}

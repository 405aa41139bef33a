using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Tells the log when the OpenTelemetry collector stops taking metrics, and when it takes them again; the exporter itself says nothing.</summary>
sealed partial class OtlpWatch : DelegatingHandler
{
    readonly ILogger _log;
    bool _failing;

    public OtlpWatch(ILogger<OtlpWatch> log)
        : base(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) => _log = log;

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return Note(base.Send(request, cancellationToken));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            Fail(request.RequestUri, e.Message);
            throw;
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return Note(await base.SendAsync(request, cancellationToken));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            Fail(request.RequestUri, e.Message);
            throw;
        }
    }

    HttpResponseMessage Note(HttpResponseMessage response)
    {
        // A gRPC server that refuses says so in a header, with status 200.
        var status = response.Headers.TryGetValues("grpc-status", out var values) ? values.FirstOrDefault() : null;
        if (!response.IsSuccessStatusCode)
        {
            Fail(response.RequestMessage?.RequestUri, $"it answers {(int)response.StatusCode}");
        }
        else if (status is not (null or "0"))
        {
            Fail(response.RequestMessage?.RequestUri, $"it answers gRPC status {Relay.OneLine.Of(status, 20)}");
        }
        else if (_failing)
        {
            _failing = false;
            LogTakesAgain(response.RequestMessage?.RequestUri);
        }

        return response;
    }

    void Fail(Uri? collector, string why)
    {
        if (!_failing)
        {
            _failing = true;
            LogFails(collector, why);
        }
    }

    [LoggerMessage(3201, LogLevel.Warning, "The OpenTelemetry collector {Collector} takes no metrics: {Why}. Said once, until it does")]
    partial void LogFails(Uri? collector, string why);

    [LoggerMessage(3202, LogLevel.Information, "The OpenTelemetry collector {Collector} takes metrics again")]
    partial void LogTakesAgain(Uri? collector);
}

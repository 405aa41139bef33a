using System.Collections.Immutable;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests.Parts;

/// <summary>An OpenTelemetry collector as small as one can be: takes metrics by gRPC or HTTP, and knows the names of those it got.</summary>
sealed class OtlpCollector : IAsyncDisposable
{
    const string GrpcPath = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    const string HttpPath = "/v1/metrics";

    readonly WebApplication _application;
    readonly TaskCompletionSource _wanted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly string _name;

    /// <param name="name">Of the metric that is waited for.</param>
    /// <param name="refusals">Answered 503 before anything is taken.</param>
    public OtlpCollector(bool grpc, string name, int refusals = 0)
    {
        _name = name;
        var builder = WebHosting.CreateBuilder(NullLoggerFactory.Instance);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = grpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
        _application = builder.Build();
        _application.Run(async context =>
        {
            if (Interlocked.Decrement(ref refusals) >= 0)
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return;
            }

            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var message = body.ToArray();
            if (context.Request.Path == (grpc ? GrpcPath : HttpPath))
            {
                // gRPC: one octet that says whether it is compressed, four that say how long it is.
                Take(grpc ? message.AsMemory(5) : message);
            }

            context.Response.ContentType = grpc ? "application/grpc" : "application/x-protobuf";
            if (grpc)
            {
                await context.Response.Body.WriteAsync(new byte[5]);
                context.Response.AppendTrailer("grpc-status", "0");
            }
        });
    }

    public Uri Address => new($"http://{WebHosting.EndpointOf(_application)}");

    /// <summary>The metric that is waited for has come.</summary>
    public Task Got => _wanted.Task;

    public ImmutableHashSet<string> Names { get; private set; } = [];

    public Task StartAsync() => _application.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }

    /// <summary>ExportMetricsServiceRequest: resource_metrics 1, scope_metrics 2, metrics 2, name 1.</summary>
    void Take(ReadOnlyMemory<byte> request)
    {
        var names =
            from resource in Fields(request, 1)
            from scope in Fields(resource, 2)
            from metric in Fields(scope, 2)
            from name in Fields(metric, 1)
            select System.Text.Encoding.UTF8.GetString(name.Span);
        Names = Names.Union(names);
        if (Names.Contains(_name))
        {
            _wanted.TrySetResult();
        }
    }

    /// <summary>The values of one field that has a length; protobuf's wire format.</summary>
    static List<ReadOnlyMemory<byte>> Fields(ReadOnlyMemory<byte> message, int wanted)
    {
        var found = new List<ReadOnlyMemory<byte>>();
        var at = 0;
        while (at < message.Length)
        {
            var key = Number();
            switch (key & 7)
            {
                case 0:
                    Number();
                    break;
                case 1:
                    at += 8;
                    break;
                case 2:
                    var length = (int)Number();
                    if ((int)(key >> 3) == wanted)
                    {
                        found.Add(message.Slice(at, length));
                    }

                    at += length;
                    break;
                case 5:
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"not protobuf: wire type {key & 7}");
            }
        }

        return found;

        ulong Number()
        {
            ulong value = 0;
            for (var shift = 0; ; shift += 7)
            {
                var octet = message.Span[at++];
                value |= (ulong)(octet & 0x7f) << shift;
                if (octet < 0x80)
                {
                    return value;
                }
            }
        }
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Hopseal.Dns;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Smtp.Tls;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests;

/// <summary>Reports by HTTPS, over real sockets.</summary>
public sealed class ReportPostServerTests : IAsyncDisposable
{
    const string Host = "mx1.example.org";

    readonly Workspace _workspace = new();
    readonly RecordsDatabase _database;
    readonly ReportIntake _intake;
    ReportPostServer? _server;

    public ReportPostServerTests()
    {
        _database = RecordsDatabase.Open(_workspace.Directory, [ReceivedTables.Part], NullLogger<RecordsDatabase>.Instance);
        var store = new ReportStore(_database, (domain, _) => domain == DomainName.Parse("example.org"), new IntakeLimits());
        _intake = new ReportIntake(store, null, TimeProvider.System, NullLogger<ReportIntake>.Instance);
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await (_server?.DisposeAsync() ?? default);
        _intake.Dispose();
        await _database.DisposeAsync();
        _workspace.Dispose();
    }

    [Theory]
    [InlineData("application/tlsrpt+gzip", true)]
    [InlineData("application/tlsrpt+json", false)]
    [InlineData("application/octet-stream", true)]
    public async Task A_report_is_kept_before_it_is_answered_with_200(string type, bool compressed)
    {
        var report = Report();
        using var response = await PostAsync(compressed ? TlsReportWriter.ToGzip(report) : TlsReportWriter.ToJson(report), type);

        Assert.Equal((HttpStatusCode.OK, "taken\n"), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancel)));
        Assert.False(response.Headers.Contains("Server"));
        var received = ReceivedReports.OfFile(_database.File);
        var head = Assert.Single(received.List(new ReceivedFilter()));
        Assert.Equal((ReportOrigin.Https, "127.0.0.1", new ReportProof.Unsigned()), (head.Source.Origin, head.Source.From, head.Source.Proof));
        Assert.Equal(TlsReportWriter.ToJson(report), TlsReportWriter.ToJson(received.Find(head.Id)!.Report));
    }

    [Fact]
    public async Task One_that_comes_again_is_answered_alike()
    {
        using var first = await PostAsync(TlsReportWriter.ToGzip(Report()));
        using var second = await PostAsync(TlsReportWriter.ToGzip(Report()));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, second.StatusCode));
        Assert.Single(ReceivedReports.OfFile(_database.File).List(new ReceivedFilter()));
    }

    [Fact]
    public async Task What_is_no_report_is_put_aside_and_answered_with_the_reason()
    {
        using var response = await PostAsync("hello"u8.ToArray());
        Assert.Equal((HttpStatusCode.BadRequest, "it is neither JSON nor gzip nor zip\n"), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancel)));
        Assert.Equal("it is neither JSON nor gzip nor zip", Assert.Single(ReceivedReports.OfFile(_database.File).Aside()).Why);
    }

    [Theory]
    [InlineData("POST", "/", "application/tlsrpt+json", 404)]
    [InlineData("POST", "/tlsrpt/", "application/tlsrpt+json", 404)]
    [InlineData("GET", "/tlsrpt", null, 405)]
    [InlineData("PUT", "/tlsrpt", "application/tlsrpt+json", 405)]
    [InlineData("POST", "/tlsrpt", null, 415)]
    [InlineData("POST", "/tlsrpt", "text/plain", 415)]
    [InlineData("POST", "/tlsrpt", "application/x-www-form-urlencoded", 415)]
    public async Task Nothing_else_is_taken(string method, string path, string? type, int status)
    {
        using var response = await SendAsync(new HttpMethod(method), path, type is null ? null : Encoding.ASCII.GetBytes("{}"), type);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Empty(ReceivedReports.OfFile(_database.File).Aside());
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused()
    {
        using var response = await PostAsync(new byte[(4 * 1024 * 1024) + 1]);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task One_network_is_heard_so_often_in_a_minute()
    {
        for (var i = 0; i < 60; i++)
        {
            using var response = await PostAsync("{}"u8.ToArray());
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }

        // A minute may end on the way, but not two.
        var statuses = new HashSet<HttpStatusCode>();
        for (var i = 0; i < 61 && !statuses.Contains(HttpStatusCode.TooManyRequests); i++)
        {
            using var response = await PostAsync("{}"u8.ToArray());
            statuses.Add(response.StatusCode);
        }

        Assert.Contains(HttpStatusCode.TooManyRequests, statuses);
    }

    [Fact]
    public async Task Silent_connections_from_one_network_leave_places_for_the_others()
    {
        const int PlacesOfNetwork = 20;
        using (await PostAsync("{}"u8.ToArray()))
        {
            // It listens now.
        }

        var silent = new List<Socket>();
        try
        {
            var ends = new List<Task<int>>();
            for (var i = 0; i <= PlacesOfNetwork; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                silent.Add(socket);
                await socket.ConnectAsync(_server!.Endpoint, Cancel);
                ends.Add(socket.ReceiveAsync(new byte[1], SocketFlags.None, Cancel).AsTask());
            }

            await Task.WhenAny(ends);

            await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync("{}"u8.ToArray()));
            using var other = await SendAsync(HttpMethod.Post, "/tlsrpt", "{}"u8.ToArray(), "application/tlsrpt+json", IPAddress.Parse("127.0.1.1"));
            Assert.Equal(HttpStatusCode.BadRequest, other.StatusCode);
        }
        finally
        {
            silent.ForEach(socket => socket.Dispose());
        }
    }

    [Fact]
    public async Task Where_it_cannot_be_kept_the_reporter_is_told_to_come_again()
    {
        await _database.WriteAsync(connection => Run(connection, "DROP TABLE tlsrpt_received_sums"), Cancel);
        using var response = await PostAsync(TlsReportWriter.ToGzip(Report()));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.True(response.Headers.RetryAfter is not null);
        Assert.Empty(ReceivedReports.OfFile(_database.File).List(new ReceivedFilter()));
    }

    static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // a constant of this file
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    static TlsReport Report() => new()
    {
        Organization = "Company-X",
        Contact = "tls@company-x.example",
        Id = "1",
        Period = ReportPeriod.Day(DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-1))),
        Policies =
        [
            new PolicyResult
            {
                Kind = new ReportedName<PolicyKind>(PolicyKind.NoPolicyFound, "no-policy-found"),
                Domain = "example.org",
                Successful = 7,
                Failed = 2,
                Failures = [new FailureDetail { Type = new ReportedName<TlsResultType>(TlsResultType.StarttlsNotSupported, "starttls-not-supported"), Sessions = 2 }],
            },
        ],
    };

    Task<HttpResponseMessage> PostAsync(byte[] body, string type = "application/tlsrpt+gzip") => SendAsync(HttpMethod.Post, "/tlsrpt", body, type);

    async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, byte[]? body, string? type, IPAddress? from = null)
    {
        if (_server is null)
        {
            _workspace.WriteCertificate("mx", Host).Dispose();
            var certificates = ServerCertificates.Load([new CertificateFiles(_workspace.PathOf("mx.pem"), _workspace.PathOf("mx.key"))]);
            _server = await ReportPostServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), _intake, certificates, SslProtocols.None, NullLoggerFactory.Instance);
        }

        var endpoint = _server.Endpoint;
        using var client = new HttpClient(new SocketsHttpHandler
        {
            Expect100ContinueTimeout = TimeSpan.FromSeconds(30),
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(from ?? IPAddress.Loopback, 0));
                await socket.ConnectAsync(endpoint, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == $"CN={Host}" },
        });
        using var request = new HttpRequestMessage(method, $"https://{Host}{path}");
        request.Headers.ExpectContinue = body is not null;
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type) } };
        }

        return await client.SendAsync(request, Cancel);
    }
}

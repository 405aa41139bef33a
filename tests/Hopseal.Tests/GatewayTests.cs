using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Mail;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Smtp.Tls;
using Hopseal.Tests.Commands;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Logging.Abstractions;
using MimeKit;

namespace Hopseal.Tests;

/// <summary>The whole gateway in local mode, with a client that others wrote.</summary>
public sealed class GatewayTests : IDisposable
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    readonly Workspace _workspace = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData(0, SecureSocketOptions.None, false)]
    [InlineData(0, SecureSocketOptions.StartTls, false)]
    [InlineData(1, SecureSocketOptions.StartTls, false)]
    [InlineData(1, SecureSocketOptions.StartTls, true)]
    [InlineData(2, SecureSocketOptions.SslOnConnect, false)]
    [InlineData(2, SecureSocketOptions.SslOnConnect, true)]
    public async Task A_message_for_any_domain_lands_in_the_Maildir(int listener, SecureSocketOptions security, bool login)
    {
        await using var gateway = await StartAsync();
        using (var client = await ConnectAsync(gateway.Endpoints[listener], security))
        {
            if (login)
            {
                await client.AuthenticateAsync(LocalMode.User, LocalMode.Password, Cancel);
            }

            await client.SendAsync(Message("you@example.org", "me@example.net"), Cancel);
            await client.DisconnectAsync(true, Cancel);
        }

        var kept = await File.ReadAllTextAsync(await KeptAsync(), Cancel);
        Assert.StartsWith("Return-Path: <you@example.org>\r\nDelivered-To: me@example.net\r\nReceived: ", kept, StringComparison.Ordinal);
        Assert.Contains("\r\nSubject: hello\r\n", kept, StringComparison.Ordinal);
        Assert.Equal(security is not SecureSocketOptions.None, kept.Contains("version=TLSv1.3", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_STARTTLS_the_submission_port_takes_nothing()
    {
        await using var gateway = await StartAsync();
        using var client = await ConnectAsync(gateway.Endpoints[1], SecureSocketOptions.None);
        var refused = await Assert.ThrowsAsync<MailKit.ServiceNotAuthenticatedException>(
            () => client.SendAsync(Message("a@example.org", "b@example.org"), Cancel));
        Assert.Equal("5.7.0 Must issue a STARTTLS command first", refused.Message);
    }

    [Fact]
    public async Task A_wrong_password_is_refused()
    {
        await using var gateway = await StartAsync();
        using var client = await ConnectAsync(gateway.Endpoints[2], SecureSocketOptions.SslOnConnect);
        await Assert.ThrowsAsync<AuthenticationException>(() => client.AuthenticateAsync(LocalMode.User, "wrong", Cancel));
    }

    [Fact]
    public async Task Mail_for_a_domain_with_a_next_hop_is_relayed_and_its_TLS_is_remembered()
    {
        var said = new LineWaiter("listening on 127.0.0.1:");
        var sink = CommandRun.OfAsync(_workspace.Directory, ["sink", "--port", "0", "--count", "1"], error: said);
        var route = new DomainRoute(NextHopText.Parse($"localhost:{await said.RestOfLineAsync(Cancel)}"), SecurityFloor.Encrypted, null);
        var local = LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System);
        var table = new DomainTable(local.Domains.Domains.Add(DomainName.Parse("example.org"), route), null);
        await using (var gateway = await Gateway.StartAsync(local with { Domains = table }, NullLoggerFactory.Instance, TimeProvider.System))
        {
            using var client = await ConnectAsync(gateway.Endpoints[0], SecureSocketOptions.StartTls);
            await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Message("you@example.com", "me@example.net"), Cancel));
            await client.SendAsync(Message("you@example.com", "me@example.org"), Cancel);
            var end = await sink.WaitAsync(s_limit, Cancel);
            Assert.StartsWith("messages 1 recipients 1 ", end.Out, StringComparison.Ordinal);
        }

        Assert.StartsWith("localhost ", await File.ReadAllTextAsync(Data("proven-tls"), Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_next_hop_that_is_not_secure_enough_for_one_domain_gets_the_mail_of_another()
    {
        var said = new LineWaiter("listening on 127.0.0.1:");
        var sink = CommandRun.OfAsync(_workspace.Directory, ["sink", "--port", "0", "--count", "1"], error: said);
        var open = new DomainRoute(NextHopText.Parse($"127.0.0.1:{await said.RestOfLineAsync(Cancel)}"), null, null);
        var local = LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System);
        var table = local.Domains.Domains
            .Add(DomainName.Parse("locked.test"), open with { Floor = SecurityFloor.Authenticated })
            .Add(DomainName.Parse("open.test"), open);
        var attempts = new FirstAttempt();
        await using var gateway = await Gateway.StartAsync(
            local with { Domains = new DomainTable(table, null) }, NullLoggerFactory.Instance, TimeProvider.System, observer: attempts);
        using var client = await ConnectAsync(gateway.Endpoints[0], SecureSocketOptions.StartTls);

        await client.SendAsync(Message("you@example.com", "me@locked.test"), Cancel);
        var (_, outcome) = Assert.Single((await attempts.Made.WaitAsync(s_limit, Cancel)).Recipients);
        Assert.NotNull(Assert.IsType<RecipientOutcome.Deferred>(outcome).Security);
        await client.SendAsync(Message("you@example.com", "me@open.test"), Cancel);
        Assert.StartsWith("messages 1 recipients 1 ", (await sink.WaitAsync(s_limit, Cancel)).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_renewed_certificate_is_shown_without_a_restart()
    {
        await using var gateway = await StartAsync();
        Assert.Equal("CN=localhost", await SubjectAsync(gateway));

        using var renewed = _workspace.WriteCertificate("renewed", "renewed.example");
        File.Move(_workspace.PathOf("renewed.pem"), Data("localhost.pem"), overwrite: true);
        File.Move(_workspace.PathOf("renewed.key"), Data("localhost-key.pem"), overwrite: true);
        gateway.ReloadCertificates();
        Assert.Equal("CN=renewed.example", await SubjectAsync(gateway));

        await File.WriteAllTextAsync(Data("localhost.pem"), "broken", Cancel);
        gateway.ReloadCertificates();
        Assert.Equal("CN=renewed.example", await SubjectAsync(gateway));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_a_clear_fault_and_leaves_nothing_behind()
    {
        await using (var first = await StartAsync())
        {
            using var other = new Workspace();
            var taken = LocalMode.Prepare(other.Directory, new LocalPorts(0, 0, first.Endpoints[0].Port, 0), TimeProvider.System);
            var fault = await Assert.ThrowsAsync<GatewayStartException>(
                () => Gateway.StartAsync(taken, NullLoggerFactory.Instance, TimeProvider.System));
            Assert.Equal(
                $"listener submissions cannot listen on {first.Endpoints[0]}: another program does already", fault.Message);

            // The same data directory can be used at once.
            await using var second = await Gateway.StartAsync(
                LocalMode.Prepare(other.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System), NullLoggerFactory.Instance, TimeProvider.System);
        }
    }

    [Fact]
    public async Task Two_gateways_never_share_a_data_directory()
    {
        await using var first = await StartAsync();
        await Assert.ThrowsAsync<GatewayStartException>(StartAsync);
    }

    [Fact]
    public async Task An_idle_client_is_told_that_the_gateway_stops()
    {
        var gateway = await StartAsync();
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(gateway.Endpoints[0], Cancel);
        using var reader = new StreamReader(client.GetStream());
        var buffer = new char[1024];
        Assert.NotEqual(0, await reader.ReadAsync(buffer, Cancel));
        await gateway.DisposeAsync();
        var farewell = await reader.ReadToEndAsync(Cancel);
        Assert.StartsWith("421 ", farewell, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mail_to_the_mailbox_for_TLS_reports_is_read_and_not_delivered()
    {
        using var key = RSA.Create(2048);
        var zone = ZoneResolver.Parse($"reports._domainkey.company-x.example TXT v=DKIM1\\; p={Convert.ToBase64String(key.ExportSubjectPublicKeyInfo())}");
        var local = LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System);
        var receive = ReportIntakeSettings.None with { Mailboxes = [SenderPatternOf("tlsrpt@example.org")] };
        var attempts = new FirstAttempt();
        await using var gateway = await Gateway.StartAsync(
            local with { ReportIntake = receive }, NullLoggerFactory.Instance, TimeProvider.System, zone, attempts);
        using var client = await ConnectAsync(gateway.Endpoints[0], SecureSocketOptions.StartTls);
        await client.SendAsync(TlsReportMail(key), MailboxAddress.Parse("tls@company-x.example"), [MailboxAddress.Parse("TLSRPT@example.org")], Cancel);

        var attempt = await attempts.Made.WaitAsync(s_limit, Cancel);
        Assert.IsType<RecipientOutcome.Delivered>(Assert.Single(attempt.Recipients).Outcome);
        var head = Assert.Single(ReceivedReports.OfFile(Data(RecordsDatabase.FileName)).List(new ReceivedFilter()));
        Assert.Equal(
            ("Company-X", "example.org", 7, new ReportProof.Signed(DomainName.Parse("company-x.example"))),
            (head.Organization, head.Domain, head.Successful, head.Source.Proof));
        Assert.False(Directory.Exists(Path.Combine(Data("mail"), "new")) && Directory.GetFiles(Path.Combine(Data("mail"), "new")).Length > 0);
    }

    static SenderPattern SenderPatternOf(string text) => SenderPattern.TryParse(text, out var pattern) ? pattern : throw new ArgumentException(text, nameof(text));

    static MimeMessage TlsReportMail(RSA key)
    {
        var report = new TlsReport
        {
            Organization = "Company-X",
            Contact = "tls@company-x.example",
            Id = "1",
            Period = ReportPeriod.Day(DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-1))),
            Policies = [new PolicyResult { Kind = new ReportedName<PolicyKind>(PolicyKind.NoPolicyFound, "no-policy-found"), Domain = "example.org", Successful = 7, Failed = 0 }],
        };
        var domain = DomainName.Parse("example.org");
        var signer = ReportMessage.Signer(new MemoryStream(Encoding.ASCII.GetBytes(key.ExportRSAPrivateKeyPem())), DomainName.Parse("company-x.example"), "reports");
        return MimeMessage.Load(new MemoryStream(
            ReportMessage.Create(report, domain, new Hopseal.Smtp.Mail.Mailbox("tlsrpt", domain), TimeProvider.System.GetUtcNow(), signer)));
    }

    string Data(string name) => Path.Combine(_workspace.Directory, LocalMode.DirectoryName, name);

    Task<Gateway> StartAsync() => Gateway.StartAsync(
        LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System),
        NullLoggerFactory.Instance,
        TimeProvider.System);

    async Task<SmtpClient> ConnectAsync(IPEndPoint endpoint, SecureSocketOptions security)
    {
        var root = X509CertificateLoader.LoadCertificateFromFile(Data("ca.pem"));
        var client = new SmtpClient
        {
            CheckCertificateRevocation = false,
            ServerCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                chain!.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.CustomTrustStore.Add(root);
                return certificate is X509Certificate2 leaf && chain.Build(leaf) && leaf.MatchesHostname("localhost");
            },
        };
        await client.ConnectAsync("127.0.0.1", endpoint.Port, security, Cancel);
        return client;
    }

    static async Task<string> SubjectAsync(Gateway gateway)
    {
        var subject = "";
        using var client = new SmtpClient
        {
            CheckCertificateRevocation = false,
            ServerCertificateValidationCallback = (_, certificate, _, _) =>
            {
                subject = certificate!.Subject;
                return true;
            },
        };
        await client.ConnectAsync("127.0.0.1", gateway.Endpoints[2].Port, SecureSocketOptions.SslOnConnect, Cancel);
        await client.DisconnectAsync(true, Cancel);
        return subject;
    }

    /// <summary>The first file that appears in the Maildir.</summary>
    async Task<string> KeptAsync()
    {
        var directory = Data("mail");
        Directory.CreateDirectory(Path.Combine(directory, "new"));
        using var watcher = new FileSystemWatcher(Path.Combine(directory, "new"));
        var arrived = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        watcher.Renamed += (_, change) => arrived.TrySetResult(change.FullPath);
        watcher.Created += (_, change) => arrived.TrySetResult(change.FullPath);
        watcher.EnableRaisingEvents = true;
        if (Directory.GetFiles(watcher.Path) is [var here, ..])
        {
            return here;
        }

        return await arrived.Task.WaitAsync(s_limit, Cancel);
    }

    static MimeMessage Message(string from, string to)
    {
        var message = new MimeMessage { Subject = "hello", Body = new TextPart("plain") { Text = "This is a test." } };
        message.From.Add(MailboxAddress.Parse(from));
        message.To.Add(MailboxAddress.Parse(to));
        return message;
    }

    sealed class FirstAttempt : ISessionSink
    {
        readonly TaskCompletionSource<DeliveryAttempt> _made = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<DeliveryAttempt> Made => _made.Task;

        public bool TryRecord(SessionRecord record) => true;

        public bool TryRecord(DeliveryAttempt attempt) => _made.TrySetResult(attempt);
    }
}

using System.Globalization;
using System.Text;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>MTA-STS with the real executable, a real resolver, real policy hosts and a real MX host (RFC 8461).</summary>
public sealed class StsTests
{
    const string Gateway = "gateway.test";
    const string GoodMx = "mx.hosts.test";
    const string StrangeMx = "mx.strange.test";

    const int DeliveredEvent = 1101;
    const int DeferredEvent = 1102;
    const int FetchedEvent = 2601;
    const int NotFetchedEvent = 2603;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Every domain has an MX host with TLS. <see cref="StrangeMx"/> is the same machine as <see cref="GoodMx"/> and has no certificate
    /// for its name.</summary>
    [Fact(Timeout = 180_000)]
    public async Task Each_domain_gets_its_mail_only_as_its_policy_says()
    {
        Assert.SkipWhen(PolicySite.Unavailable is not null, PolicySite.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        await using var site = new PolicySite();
        await using var world = new World("sts", site);
        (string Domain, string Mx, Func<Stream, CancellationToken, Task> Answer, string? Certificate, bool Delivered, string? Failure)[] cases =
        [
            ("listed.test", GoodMx, PolicySite.Policy("enforce", GoodMx), null, true, null),
            ("wildcard.test", GoodMx, PolicySite.Policy("enforce", "other.test", "*.hosts.test"), null, true, null),
            ("toodeep.test", GoodMx, PolicySite.Policy("enforce", "*.test"), null, false, null),
            ("unlisted.test", GoodMx, PolicySite.Policy("enforce", StrangeMx), null, false, null),
            ("unproven.test", StrangeMx, PolicySite.Policy("enforce", StrangeMx), null, false, null),
            ("testing.test", StrangeMx, PolicySite.Policy("testing", GoodMx), null, true, null),
            ("none.test", StrangeMx, PolicySite.Policy("none"), null, true, null),
            ("redirect.test", StrangeMx, PolicySite.Answer("302 Found", "text/plain", "", "Location: https://mta-sts.unlisted.test/.well-known/mta-sts.txt\r\n"), null, true, "sts-policy-fetch-error (http-302)"),
            ("html.test", StrangeMx, PolicySite.Answer("200 OK", "text/html", "<html>"), null, true, "sts-policy-fetch-error (media-type)"),
            ("broken.test", StrangeMx, PolicySite.Answer("200 OK", "text/plain", "version: STSv2\r\n"), null, true, "sts-policy-invalid (unknown-version)"),
            ("oversize.test", StrangeMx, PolicySite.Answer("200 OK", "text/plain", new string('\n', 70_000)), null, true, "sts-policy-invalid (too-large)"),
            ("expired.test", StrangeMx, PolicySite.Policy("enforce", "nobody.test"), "expired", true, "sts-webpki-invalid (expired)"),
            ("mismatch.test", StrangeMx, PolicySite.Policy("enforce", "nobody.test"), "mta-sts.other.test", true, "sts-webpki-invalid (name-mismatch)"),
            // It never answers: the message goes on when its patience is over.
            ("silent.test", StrangeMx, (_, end) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, end), null, true, null),
        ];
        foreach (var (domain, _, answer, certificate, _, _) in cases)
        {
            var shown = certificate is "expired"
                ? world.Authority.Issue($"mta-sts.{domain}", TimeProvider.System.GetUtcNow().AddMinutes(-1))
                : world.Authority.Issue(certificate ?? $"mta-sts.{domain}");
            site.Serve(domain, shown, answer);
        }

        await world.PublishAsync(cases.Select(one => (one.Domain, one.Mx, (string?)"1")));
        await world.Process.StartAsync(cancel);
        for (var i = 0; i < cases.Length; i++)
        {
            await world.SendAsync(cases[i].Domain, i);
        }

        foreach (var (domain, _, _, _, delivered, failure) in cases)
        {
            var record = await world.LoggedAsync(delivered ? DeliveredEvent : DeferredEvent, domain);
            if (!delivered)
            {
                Assert.Equal("4.7.5", record.GetProperty("Status").GetString());
            }

            if (failure is not null)
            {
                var told = await world.LoggedAsync(NotFetchedEvent, domain);
                Assert.StartsWith(failure, told.GetProperty("Failure").GetString(), StringComparison.Ordinal);
            }
        }

        Assert.Equal("authenticated", (await world.LoggedAsync(DeliveredEvent, "listed.test")).GetProperty("Level").GetString());
        Assert.Equal(
            cases.Index().Where(one => one.Item.Delivered).Select(one => one.Index),
            world.Mx.Taken.Select(taken => taken.Number).Order());
        Assert.Equal(cases.Length, site.Asked.Distinct().Count() + cases.Count(one => one.Certificate is not null));
    }

    [Fact(Timeout = 180_000)]
    public async Task A_policy_survives_a_crash_and_the_removal_of_its_record()
    {
        Assert.SkipWhen(PolicySite.Unavailable is not null, PolicySite.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        await using var site = new PolicySite();
        await using var world = new World("sts-crash", site);
        world.Site.Serve("kept.test", world.Authority.Issue("mta-sts.kept.test"), PolicySite.Policy("enforce", GoodMx));
        await world.PublishAsync([("kept.test", GoodMx, "1")]);
        await world.Process.StartAsync(cancel);
        await world.SendAsync("kept.test", 1);
        await world.LoggedAsync(DeliveredEvent, "kept.test");
        var file = Path.Combine(world.Data, "mta-sts-policies");
        await Eventually.TrueAsync("the policy on disk", TimeSpan.FromSeconds(30), () => File.Exists(file), () => world.Output, Cancel);
        await world.Process.KillAsync(cancel);

        // An attacker now answers for the domain: its record is gone, its policy host too, and its mail goes to his host.
        await world.Site.DisposeAsync();
        await world.PublishAsync([("kept.test", StrangeMx, null)]);
        await world.Process.StartAsync(cancel);
        await world.SendAsync("kept.test", 2);
        var deferred = await world.LoggedAsync(DeferredEvent, "kept.test");
        Assert.Equal("4.7.5", deferred.GetProperty("Status").GetString());
        Assert.Equal([1], world.Mx.Taken.Select(taken => taken.Number));
    }

    [Fact(Timeout = 180_000)]
    public async Task A_policy_that_changes_under_way_counts_for_the_next_attempt()
    {
        Assert.SkipWhen(PolicySite.Unavailable is not null, PolicySite.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        await using var site = new PolicySite();
        await using var world = new World("sts-change", site);
        var certificate = world.Authority.Issue("mta-sts.moving.test");
        site.Serve("moving.test", certificate, PolicySite.Policy("enforce", "old.hosts.test"));
        await world.PublishAsync([("moving.test", GoodMx, "1")]);
        await world.Process.StartAsync(cancel);
        await world.SendAsync("moving.test", 1);
        await world.LoggedAsync(DeferredEvent, "moving.test");
        Assert.Empty(world.Mx.Taken);

        site.Serve("moving.test", certificate, PolicySite.Policy("enforce", GoodMx));
        await world.PublishAsync([("moving.test", GoodMx, "2")]);
        await Eventually.FindAsync(
            "the delivery",
            TimeSpan.FromSeconds(60),
            async () =>
            {
                // The old record may be remembered for its TTL of a second. 1: an attempt is under way, or it was delivered meanwhile.
                string[] retry = ["queue", "retry", "--domain", "moving.test", "--config", world.Configuration];
                var asked = await Command.RunAsync(Executable.Path, retry, Cancel);
                Assert.True(asked.ExitCode is 0 or 1, asked.ToString());
                return world.Mx.Taken.FirstOrDefault();
            },
            () => world.Output,
            Cancel);
        Assert.Equal("2", (await world.LoggedAsync(FetchedEvent, "\"Id\":\"2\"")).GetProperty("Id").GetString());
    }

    /// <summary>RFC 8461 §3.3, §10.2: nobody waits for ever, and who can hold up a fetch does not get rid of a policy by it.</summary>
    [Fact(Timeout = 180_000)]
    public async Task A_policy_host_that_drips_holds_up_no_message_and_ends_no_policy()
    {
        Assert.SkipWhen(PolicySite.Unavailable is not null, PolicySite.Unavailable ?? "");
        var cancel = TestContext.Current.CancellationToken;
        await using var site = new PolicySite();
        await using var world = new World("sts-drip", site);
        var kept = world.Authority.Issue("mta-sts.kept.test");
        site.Serve("kept.test", kept, PolicySite.Policy("enforce", GoodMx));
        await world.PublishAsync([("kept.test", GoodMx, "1")]);
        await world.Process.StartAsync(cancel);
        await world.SendAsync("kept.test", 1);
        await world.LoggedAsync(DeliveredEvent, "kept.test");
        Assert.Equal(0, await world.Process.StopAsync(cancel));

        // All that are new announce a policy that never ends, and their host is the one without a certificate.
        const string Status = "HTTP/1.1 200 OK\r\n";
        const string Body = Status + "Content-Type: text/plain\r\n\r\nversion: STSv1\r\nmode: enforce\r\nmx: nobody.test\r\nmax_age: 604800\r\n";
        site.Serve("kept.test", kept, site.Drip(Body));
        site.Serve("body.test", world.Authority.Issue("mta-sts.body.test"), site.Drip(Body));
        site.Serve("header.test", world.Authority.Issue("mta-sts.header.test"), site.Drip(Status + "X: "));
        await world.PublishAsync([("kept.test", StrangeMx, "2"), ("body.test", StrangeMx, "1"), ("header.test", StrangeMx, "1")]);
        await world.Process.StartAsync(cancel);
        await world.SendAsync("kept.test", 2);
        await world.SendAsync("body.test", 3);
        await world.SendAsync("header.test", 4);

        await world.LoggedAsync(DeliveredEvent, "body.test");
        await world.LoggedAsync(DeliveredEvent, "header.test");
        Assert.Equal("4.7.5", (await world.LoggedAsync(DeferredEvent, "kept.test")).GetProperty("Status").GetString());
        Assert.Equal(3, site.Dripping);
        Assert.Equal([1, 3, 4], world.Mx.Taken.Select(taken => taken.Number).Order());
    }

    static int NumberOf(ReadOnlySpan<byte> content)
    {
        var text = Encoding.ASCII.GetString(content);
        return int.Parse(text[(text.LastIndexOf("message ", StringComparison.Ordinal) + 8)..].Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>One gateway, its resolver, and one MX host.</summary>
    sealed class World : IAsyncDisposable
    {
        readonly TestDirectory _directory;
        readonly int _port = Ports.Next();
        readonly int _mxPort = Ports.Next();
        readonly int _dnsPort = Ports.Next();
        UnboundInstance? _dns;

        public World(string purpose, PolicySite site)
        {
            _directory = new TestDirectory(purpose);
            Site = site;
            Authority = new TestAuthority(_directory);
            long sequence = 0;
            Mx = new RecordingServer(_mxPort, Authority.Issue(GoodMx), NumberOf, () => Interlocked.Increment(ref sequence));
            Mx.Open();
            Process = new GatewayProcess(_directory, Settings(), _port);
        }

        public PolicySite Site { get; }

        public TestAuthority Authority { get; }

        public RecordingServer Mx { get; }

        public GatewayProcess Process { get; }

        public string Data => _directory["data"];

        public string Configuration => _directory["hopseal.json"];

        public string Output => Process.Output;

        /// <param name="domains">With the id of their record, if they have one. What was published before is gone.</param>
        public async Task PublishAsync(IEnumerable<(string Domain, string Mx, string? Id)> domains)
        {
            if (_dns is not null)
            {
                await _dns.DisposeAsync();
            }

            List<string> records = [$"{GoodMx}. 1 IN A 127.0.0.1", $"{StrangeMx}. 1 IN A 127.0.0.1"];
            foreach (var (domain, mx, id) in domains)
            {
                records.Add($"{domain}. 1 IN MX 10 {mx}.");
                records.Add($"mta-sts.{domain}. 1 IN A {Site.Address}");
                if (id is not null)
                {
                    records.Add($"_mta-sts.{domain}. 1 IN TXT \"v=STSv1; id={id};\"");
                }
            }

            _dns = await UnboundInstance.StartAsync(records, Cancel, _dnsPort);
        }

        public async Task SendAsync(string domain, int number)
        {
            await using var client = await RawSmtp.OpenAsync(_port, Cancel);
            var content = Encoding.ASCII.GetBytes($"Subject: sts\r\nFrom: a@origin.test\r\n\r\nmessage {number}\r\n");
            Assert.Equal(250, (await client.SendMessageAsync("a@origin.test", [$"b@{domain}"], content, Cancel)).Code);
        }

        public Task<System.Text.Json.JsonElement> LoggedAsync(int eventId, string mark) => Process.LoggedAsync(eventId, mark, Cancel);

        public async ValueTask DisposeAsync() => await Ending.OfAllAsync([Process, Mx, _dns], Authority, _directory);

        object Settings()
        {
            var certificate = Authority.Issue(Gateway);
            string[] relayFrom = ["127.0.0.0/8"], servers = [$"127.0.0.1:{_dnsPort}"], roots = [Authority.RootPath];
            int[] retry = [60];
            return new
            {
                Hostname = Gateway,
                DataDirectory = Data,
                Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{_port}", Mode = "StartTls" } },
                Certificates = new[] { new { certificate.Chain, certificate.Key } },
                RelayFrom = relayFrom,
                Outbound = new { Port = _mxPort, RetryMinutes = retry },
                Dns = new { Servers = servers },
                Trust = new { Roots = roots },
            };
        }
    }
}

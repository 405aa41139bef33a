using System.Collections.Immutable;
using Hopseal.Audit.Checks;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;
using Hopseal.Monitor.Store;

namespace Hopseal.Monitor.Tests.Store;

public sealed class MonitorStoreTests
{
    static readonly WatchedDomain s_domain = MonitorWorld.Partner(BankFacts.Domain);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    static LookState Looks => new(BankFacts.At, BankFacts.At.AddHours(5), 0, null);

    static AuditReport Report(AuditFacts facts) => Judge.Of(facts, Profile.Named("strict"));

    static async Task<MonitorWorld> OpenAsync(params ImmutableArray<WatchedDomain> domains)
    {
        var world = new MonitorWorld().Open();
        await world.Store.SyncAsync(domains.IsEmpty ? [s_domain] : domains, _ => BankFacts.At, Cancel);
        return world;
    }

    static Task WriteAsync(MonitorWorld world, AuditFacts facts, DateTimeOffset at, Standing standing = Standing.AsExpected) =>
        world.Store.WriteAsync(s_domain, Looks, at, Report(facts with { At = at }), standing, Cancel);

    [Fact]
    public async Task What_lost_something_is_not_expected_until_it_is_accepted()
    {
        await using var world = await OpenAsync();
        await WriteAsync(world, BankFacts.All, BankFacts.At);
        await WriteAsync(world, BankFacts.WithoutStartTls, BankFacts.At.AddHours(1), Standing.Lost);

        var lost = world.Query.Find(BankFacts.Domain)!;
        Assert.Equal(lost.Recent[0].Id, lost.Reference!.Id);
        Assert.True(Assert.Single(world.Query.List(new WatchedFilter(), null, 10)).Lost);

        Assert.True(await world.Store.AcceptAsync(s_domain, Cancel));
        var accepted = world.Query.Find(BankFacts.Domain)!;
        Assert.Equal(accepted.Current!.Id, accepted.Reference!.Id);
        Assert.False(Assert.Single(world.Query.List(new WatchedFilter(), null, 10)).Lost);
    }

    [Fact]
    public async Task What_may_have_lost_something_is_neither_expected_nor_told_as_lost()
    {
        await using var world = await OpenAsync();
        await WriteAsync(world, BankFacts.All, BankFacts.At);
        await WriteAsync(world, BankFacts.All, BankFacts.At.AddHours(1), Standing.NotKnown);

        var history = world.Query.Find(BankFacts.Domain)!;
        Assert.Equal(history.Recent[0].Id, history.Reference!.Id);
        Assert.False(Assert.Single(world.Query.List(new WatchedFilter(), null, 10)).Lost);
    }

    [Fact]
    public async Task What_lost_nothing_is_expected_from_then_on()
    {
        await using var world = await OpenAsync();
        await WriteAsync(world, BankFacts.WithoutStartTls, BankFacts.At, Standing.Lost);
        Assert.NotNull(world.Query.Find(BankFacts.Domain)!.Reference);
        await WriteAsync(world, BankFacts.All, BankFacts.At.AddHours(1));

        var history = world.Query.Find(BankFacts.Domain)!;
        Assert.Equal(history.Current!.Id, history.Reference!.Id);
    }

    [Fact]
    public async Task Nothing_can_be_accepted_before_the_first_look()
    {
        await using var world = await OpenAsync();

        Assert.False(await world.Store.AcceptAsync(s_domain, Cancel));
        Assert.Equal(Verdict.Unknown, Assert.Single(world.Query.List(new WatchedFilter(), null, 10)).Overall);
        Assert.Equal([new WatchedSum(WatchedAs.Partner, Verdict.Unknown, 1, 0, null)], world.Query.Sums());
    }

    [Fact]
    public async Task Old_observations_are_forgotten_but_never_what_is_expected()
    {
        await using var world = await OpenAsync();
        await WriteAsync(world, BankFacts.All, BankFacts.At);
        var first = world.Query.Find(BankFacts.Domain)!.Reference!.Id;
        for (var i = 1; i <= 405; i++)
        {
            await WriteAsync(world, BankFacts.WithoutStartTls, BankFacts.At.AddMinutes(i), Standing.Lost);
        }

        var pages = new List<Observation>();
        for (var page = world.Query.Observations(BankFacts.Domain, null, 150); !page.IsEmpty; page = world.Query.Observations(BankFacts.Domain, pages[^1].Id, 150))
        {
            pages.AddRange(page);
        }

        Assert.Equal(401, pages.Count);
        Assert.Equal(pages.Select(one => one.Id).OrderDescending(), pages.Select(one => one.Id));
        Assert.Equal(first, pages[^1].Id);
        Assert.Equal(first, world.Query.Find(BankFacts.Domain)!.Reference!.Id);
    }

    [Fact]
    public async Task A_history_holds_a_week_and_what_was_before_it()
    {
        await using var world = await OpenAsync();
        foreach (var day in (int[])[0, 5, 10, 14, 20])
        {
            await WriteAsync(world, BankFacts.All, BankFacts.At.AddDays(day), day > 0 ? Standing.Lost : Standing.AsExpected);
        }

        world.Clock.SetUtcNow(BankFacts.At.AddDays(20));
        foreach (var history in (DomainHistory[])[world.Query.Find(BankFacts.Domain)!, Assert.Single(world.Query.Histories())])
        {
            Assert.Equal([10, 14, 20], history.Recent.Select(one => (one.FirstSeenAt - BankFacts.At).TotalDays));
            Assert.Equal(BankFacts.At, history.Reference!.FirstSeenAt);
        }

        world.Clock.SetUtcNow(BankFacts.At.AddDays(60));
        Assert.Equal(BankFacts.At.AddDays(20), Assert.Single(Assert.Single(world.Query.Histories()).Recent).FirstSeenAt);
        await world.Store.AcceptAsync(s_domain, Cancel);
        var quiet = Assert.Single(world.Query.Histories());
        Assert.Equal(quiet.Reference, Assert.Single(quiet.Recent));
    }

    [Fact]
    public async Task Findings_that_are_not_known_now_neither_open_nor_close()
    {
        await using var world = await OpenAsync();
        await WriteAsync(world, BankFacts.WithoutStartTls, BankFacts.At);
        var open = world.Query.Findings(BankFacts.Domain);
        Assert.Contains(open, finding => finding is { Id: CheckIds.StartTlsOffered, ClosedAt: null });

        var unknown = Report(BankFacts.WithoutStartTls with { At = BankFacts.At.AddHours(1) });
        unknown = unknown with { Findings = [.. unknown.Findings.Select(finding => finding with { Verdict = Verdict.Unknown })] };
        await world.Store.WriteAsync(s_domain, Looks, world.Query.Find(BankFacts.Domain)!.Current!.Id, unknown, Standing.AsExpected, Cancel);
        Assert.Equal(open, world.Query.Findings(BankFacts.Domain));

        await WriteAsync(world, BankFacts.All, BankFacts.At.AddHours(2));
        Assert.All(world.Query.Findings(BankFacts.Domain).Where(finding => finding.Id == CheckIds.StartTlsOffered), finding => Assert.Equal(BankFacts.At.AddHours(2), finding.ClosedAt));
    }

    [Fact]
    public async Task Lists_are_paged_and_filtered()
    {
        ImmutableArray<WatchedDomain> domains = [.. Enumerable.Range(0, 30).Select(i => new WatchedDomain(Hopseal.Dns.DomainName.Parse($"d{i:00}.example"), i < 10 ? WatchedAs.Own : WatchedAs.Partner))];
        await using var world = await OpenAsync([.. domains, s_domain]);
        await WriteAsync(world, BankFacts.WithoutStartTls, BankFacts.At);

        var first = world.Query.List(new WatchedFilter(), null, 20);
        var second = world.Query.List(new WatchedFilter(), first[^1].Name, 20);
        Assert.Equal(31, first.Length + second.Length);
        Assert.Equal(10, world.Query.List(new WatchedFilter { As = WatchedAs.Own }, null, 100).Length);
        Assert.Equal([BankFacts.Domain], world.Query.List(new WatchedFilter { Worst = Verdict.Fail }, null, 100).Select(row => row.Name));
        Assert.Equal(["d07.example"], world.Query.List(new WatchedFilter { Search = "D07" }, null, 100).Select(row => row.Name));
        Assert.Empty(world.Query.List(new WatchedFilter { Search = "%" }, null, 100));
        Assert.Equal(31, world.Query.Sums().Sum(sum => sum.Domains));
    }

    [Fact]
    public void Facts_keep_everything_and_damaged_ones_are_refused()
    {
        var packed = FactsBlob.Write(BankFacts.All);
        var again = FactsBlob.Write(FactsBlob.Read(packed));

        Assert.Equal(packed, again);
        Assert.Equal(["S: 220 mx.bank.example ESMTP"], FactsBlob.Read(packed).Hosts[0].Endpoints[0].Dialogue.Transcript);
        Assert.Empty(FactsBlob.Slim(BankFacts.All).Hosts[0].Endpoints[0].Dialogue.Transcript);
        for (var i = 0; i < packed.Length; i++)
        {
            var damaged = (byte[])packed.Clone();
            damaged[i] ^= 0x55;
            try
            {
                FactsBlob.Read(damaged);
            }
            catch (InvalidDataException)
            {
                // As it should; some octets of the frame do not matter.
            }
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"target":"a","at":"2026-12-01T12:00:00+00:00","elapsed":"00:00:01","deep":false,"hosts":null}""")]
    [InlineData("""{"target":"a","at":"2026-12-01T12:00:00+00:00","elapsed":"00:00:01","deep":false,"hosts":[{}]}""")]
    [InlineData("""{"target":"a","at":"2026-12-01T12:00:00+00:00","elapsed":"00:00:01","deep":false,"hosts":[],"factsVersion":"2.0"}""")]
    [InlineData("""{"target":"a","at":"2026-12-01T12:00:00+00:00","elapsed":"00:00:01","deep":false,"hosts":[null]}""")]
    public void Facts_that_miss_something_are_none(string json)
    {
        using var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(System.Text.Encoding.UTF8.GetBytes(json));
        }

        Assert.Throws<InvalidDataException>(() => FactsBlob.Read(packed.ToArray()));
    }

    [Fact]
    public void Facts_without_bound_are_not_unpacked()
    {
        using var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(new byte[FactsBlob.MostOctets + 1]);
        }

        Assert.Contains("larger", Assert.Throws<InvalidDataException>(() => FactsBlob.Read(packed.ToArray())).Message, StringComparison.Ordinal);
    }
}

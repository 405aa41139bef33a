using System.Collections.Immutable;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Hopseal.Dns;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Receiving;

namespace Hopseal.Reports.Tests.Tlsrpt.Receiving;

/// <summary>Reports as they come, through the whole intake.</summary>
public sealed class ReportIntakeTests
{
    static string Corpus => Path.Combine(AppContext.BaseDirectory, "Tlsrpt", "Corpus");

    [Fact]
    public async Task A_signed_report_is_kept_with_everything_it_says()
    {
        await using var world = new IntakeWorld();
        var taken = await world.TakeMailAsync(IntakeWorld.Mail(signer: IntakeWorld.Signer()));

        var stored = Assert.IsType<TakenReport.Stored>(Assert.Single(taken!.Value));
        var found = world.Received.Find(stored.Id)!;
        Assert.Equal(TlsReportWriter.ToJson(IntakeWorld.Report()), TlsReportWriter.ToJson(found.Report));
        Assert.Equal(new ReportProof.Signed(DomainName.Parse("company-x.example")), found.Source.Proof);
        Assert.Equal(("tlsrpt@company-x.example", ReportOrigin.Mail, world.Clock.GetUtcNow()), (found.Source.From, found.Source.Origin, found.Source.ReceivedAt));
        Assert.Empty(found.Warnings);
        var day = Assert.Single(world.Received.Days(new DateOnly(2026, 11, 1), new DateOnly(2026, 11, 1)));
        Assert.Equal(("company-y.example", "Company-X", "company-x.example", 1, 5326, 303), (day.Domain, day.Organization, day.Signer, day.Reports, day.Successful, day.Failed));
        Assert.Equal([("certificate-expired", 303)], day.Failures);
        world.AssertWhole();
    }

    [Fact]
    public async Task A_report_that_nobody_stands_for_is_kept_and_does_not_count()
    {
        await using var world = new IntakeWorld();
        Assert.IsType<TakenReport.Stored>(Assert.Single((await world.TakeMailAsync(IntakeWorld.Mail()))!.Value));
        Assert.IsType<TakenReport.Stored>(await world.TakeBodyAsync(TlsReportWriter.ToGzip(IntakeWorld.Report("2"))));

        Assert.Empty(world.Received.Days(DateOnly.MinValue, DateOnly.MaxValue));
        Assert.Equal(2, Assert.Single(world.Received.Days(DateOnly.MinValue, DateOnly.MaxValue, unverified: true)).Reports);
        Assert.All(world.Received.List(new ReceivedFilter()), head => Assert.Equal(new ReportProof.Unsigned(), head.Source.Proof));
    }

    [Fact]
    public async Task A_report_that_comes_twice_is_kept_once()
    {
        await using var world = new IntakeWorld();
        var first = await world.TakeMailAsync(IntakeWorld.Mail(signer: IntakeWorld.Signer()));
        var second = await world.TakeMailAsync(IntakeWorld.Mail(signer: IntakeWorld.Signer()));
        var unsigned = await world.TakeBodyAsync(TlsReportWriter.ToJson(IntakeWorld.Report()));

        var id = Assert.IsType<TakenReport.Stored>(Assert.Single(first!.Value)).Id;
        Assert.Equal(new TakenReport.KnownAlready(id), Assert.Single(second!.Value));
        Assert.Equal(new TakenReport.KnownAlready(id), unsigned);
        Assert.Single(world.Received.List(new ReceivedFilter()));
        world.AssertWhole();
    }

    [Fact]
    public async Task Who_guesses_an_id_does_not_keep_the_signed_report_away()
    {
        await using var world = new IntakeWorld();
        var forged = IntakeWorld.Report() with { Policies = [IntakeWorld.Report().Policies[0] with { Successful = 1_000_000 }] };
        Assert.IsType<TakenReport.Stored>(await world.TakeBodyAsync(TlsReportWriter.ToJson(forged)));

        await world.TakeMailAsync(IntakeWorld.Mail(signer: IntakeWorld.Signer()));

        var head = Assert.Single(world.Received.List(new ReceivedFilter()));
        Assert.Equal((5326, true), (head.Successful, head.Source.Proof is ReportProof.Signed));
        Assert.Equal(5326, Assert.Single(world.Received.Days(DateOnly.MinValue, DateOnly.MaxValue, unverified: true)).Successful);
        world.AssertWhole();
    }

    [Fact]
    public async Task Only_what_is_about_our_domains_is_kept()
    {
        await using var world = new IntakeWorld();
        var taken = await world.TakeBodyAsync(TlsReportWriter.ToJson(SampleReports.Full));

        var found = world.Received.Find(Assert.IsType<TakenReport.Stored>(taken).Id)!;
        Assert.Equal(["company-y.example", "mx1.mail.company-y.example"], found.Report.Policies.Select(policy => policy.Domain));
        Assert.Equal("policies: what it says of company-z.example was left out: not a domain of ours", Assert.Single(found.Warnings).ToString());

        var foreign = SampleReports.Full with { Policies = [SampleReports.Full.Policies[2]] };
        var aside = Assert.IsType<TakenReport.PutAside>(await world.TakeBodyAsync(TlsReportWriter.ToJson(foreign)));
        Assert.Equal("it is about company-z.example, and not about a domain of ours", aside.Why);
    }

    [Fact]
    public async Task What_is_no_report_is_put_aside_as_it_came_and_once()
    {
        await using var world = new IntakeWorld();
        var octets = "From: a@example.net\r\nSubject: hello\r\n\r\nIs this \u001b[31mread by anybody?\r\n"u8.ToArray();
        for (var time = 0; time < 2; time++)
        {
            Assert.Equal(new TakenReport.PutAside("the message holds no report"), Assert.Single((await world.TakeMailAsync(octets))!.Value));
        }

        var aside = Assert.Single(world.Received.Aside());
        Assert.Equal(("the message holds no report", octets.Length, true), (aside.Why, aside.Octets, aside.HasContent));
        Assert.Equal(octets, world.Received.AsideContent(aside.Id));
        Assert.Empty(world.Received.List(new ReceivedFilter()));
    }

    [Fact]
    public async Task What_is_put_aside_is_bounded_in_number_and_octets()
    {
        await using var world = new IntakeWorld(new IntakeLimits { Aside = 3, AsideOctets = 100, AsideOctetsEach = 60 });
        for (var i = 0; i < 5; i++)
        {
            await world.TakeBodyAsync(Encoding.ASCII.GetBytes($"no report {i}"));
        }

        Assert.Equal(3, world.Received.Aside().Length);
        await world.TakeBodyAsync(new byte[50]);
        await world.TakeBodyAsync([.. new byte[50], 1]);
        await world.TakeBodyAsync(new byte[61]);
        Assert.Equal([(61, false), (51, true)], world.Received.Aside().Select(aside => ((int)aside.Octets, aside.HasContent)));
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_put_aside_without_its_content()
    {
        await using var world = new IntakeWorld();
        var size = ReportIntake.MostOctets + 1;
        var taken = await world.Intake.TakeMailAsync(
            new MemoryStream(new byte[size]), size, null, world.Clock.GetUtcNow(), DateTimeOffset.MaxValue, TestContext.Current.CancellationToken);
        Assert.Equal(new TakenReport.PutAside("it is larger than 16777216 octets"), Assert.Single(taken!.Value));
        var aside = Assert.Single(world.Received.Aside());
        Assert.Equal((size, false), ((int)aside.Octets, aside.HasContent));
    }

    [Fact]
    public async Task A_flood_is_bounded_and_does_not_displace_who_signs()
    {
        await using var world = new IntakeWorld(new IntakeLimits { Unverified = 3, ReportsOfSigner = 2 });
        for (var i = 0; i < 3; i++)
        {
            Assert.IsType<TakenReport.Stored>(await world.TakeBodyAsync(TlsReportWriter.ToJson(IntakeWorld.Report($"flood-{i}"))));
        }

        Assert.Equal(
            new TakenReport.Refused("there may be 3 reports on company-y.example a day that nobody stands for"),
            await world.TakeBodyAsync(TlsReportWriter.ToJson(IntakeWorld.Report("flood-4"))));
        for (var i = 0; i < 2; i++)
        {
            Assert.IsType<TakenReport.Stored>(Assert.Single((await world.TakeMailAsync(IntakeWorld.Mail(IntakeWorld.Report($"good-{i}"), IntakeWorld.Signer())))!.Value));
        }

        Assert.Equal(
            new TakenReport.Refused("there may be 2 reports on company-y.example a day from company-x.example"),
            Assert.Single((await world.TakeMailAsync(IntakeWorld.Mail(IntakeWorld.Report("good-3"), IntakeWorld.Signer())))!.Value));
        world.Clock.Advance(TimeSpan.FromDays(1));
        Assert.IsType<TakenReport.Stored>(await world.TakeBodyAsync(TlsReportWriter.ToJson(IntakeWorld.Report("flood-4"))));
        world.AssertWhole();
    }

    [Fact]
    public async Task Signers_that_are_new_leave_room_for_those_that_are_known()
    {
        await using var world = new IntakeWorld(new IntakeLimits { Reports = 4 });
        Assert.IsType<TakenReport.Stored>(await TakeSignedAsync(world, "known.example", "1"));
        world.Clock.Advance(TimeSpan.FromDays(1));
        Assert.IsType<TakenReport.Stored>(await TakeSignedAsync(world, "new-1.example", "2"));
        Assert.IsType<TakenReport.Stored>(await TakeSignedAsync(world, "new-2.example", "3"));
        Assert.Equal(
            new TakenReport.Refused("there may be 2 reports on company-y.example a day from all, and its signer is new"),
            await TakeSignedAsync(world, "new-3.example", "4"));
        Assert.IsType<TakenReport.Stored>(await TakeSignedAsync(world, "known.example", "5"));
        Assert.IsType<TakenReport.Stored>(await TakeSignedAsync(world, "known.example", "6"));
        Assert.Equal(
            new TakenReport.Refused("there may be 4 reports on company-y.example a day from all"), await TakeSignedAsync(world, "known.example", "7"));
    }

    [Fact]
    public async Task What_comes_by_HTTPS_displaces_nothing_that_came_by_mail()
    {
        await using var world = new IntakeWorld(new IntakeLimits { Aside = 2 });
        await world.TakeMailAsync("Subject: hello\r\n\r\nhello"u8.ToArray());
        for (var i = 0; i < 5; i++)
        {
            await world.TakeBodyAsync(Encoding.ASCII.GetBytes($"no report {i}"));
        }

        Assert.Equal([ReportOrigin.Https, ReportOrigin.Https, ReportOrigin.Mail], world.Received.Aside().Select(aside => aside.Source.Origin));
    }

    [Fact]
    public async Task Reports_without_an_id_are_the_same_when_they_say_the_same()
    {
        await using var world = new IntakeWorld();
        var report = IntakeWorld.Report() with { Id = null };
        var other = report with { Policies = [report.Policies[0] with { Successful = 1 }] };
        Assert.IsType<TakenReport.Stored>(await TakeAsync(world, report));
        Assert.IsType<TakenReport.KnownAlready>(await TakeAsync(world, report));
        Assert.IsType<TakenReport.Stored>(await TakeAsync(world, other));
    }

    [Fact]
    public async Task The_details_of_a_day_are_bounded_too()
    {
        await using var world = new IntakeWorld(new IntakeLimits { DetailsOfSigner = 3 });
        Assert.IsType<TakenReport.Stored>(await world.TakeBodyAsync(TlsReportWriter.ToJson(IntakeWorld.Report("1"))));
        Assert.Equal(
            new TakenReport.Refused("there may be 3 details on company-y.example a day in reports that nobody stands for"),
            await world.TakeBodyAsync(TlsReportWriter.ToJson(IntakeWorld.Report("2"))));
    }

    [Theory]
    [InlineData(24, 120)]
    [InlineData(12, 12)]
    public async Task While_the_key_cannot_be_had_the_report_waits_and_is_kept_unverified_in_the_end(int hours, int giveUpHours)
    {
        await using var world = new IntakeWorld(zone: "reports._domainkey.company-x.example FAIL TXT timeout");
        var mail = IntakeWorld.Mail(signer: IntakeWorld.Signer());
        var receivedAt = world.Clock.GetUtcNow();
        Assert.Null(await TakeAsync());
        world.Clock.Advance(TimeSpan.FromHours(hours) - TimeSpan.FromSeconds(1));
        Assert.Null(await TakeAsync());
        Assert.Equal(0, world.Count("tlsrpt_received"));

        world.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.IsType<TakenReport.Stored>(Assert.Single((await TakeAsync())!.Value));
        Assert.IsType<ReportProof.Unknown>(Assert.Single(world.Received.List(new ReceivedFilter())).Source.Proof);
        Assert.Empty(world.Received.Days(DateOnly.MinValue, DateOnly.MaxValue));

        Task<ImmutableArray<TakenReport>?> TakeAsync() => world.Intake.TakeMailAsync(
            new MemoryStream(mail), mail.Length, null, receivedAt, receivedAt.AddHours(giveUpHours), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task What_is_too_old_is_deleted_with_its_sums()
    {
        await using var world = new IntakeWorld(new IntakeLimits { Days = 30 });
        await world.Store.TakeAsync(
            new ReportSource(ReportOrigin.File, "old.json", new ReportProof.Unsigned(), world.Clock.GetUtcNow()),
            [.. Enumerable.Range(0, 450).Select(i => new ReportItem("", new ReadReport.Accepted(IntakeWorld.Report($"{i}"), [])))],
            default, 0, TestContext.Current.CancellationToken);

        await world.Store.DeleteOldAsync(world.Clock.GetUtcNow() + TimeSpan.FromDays(21), TestContext.Current.CancellationToken);
        Assert.Equal(450, world.Count("tlsrpt_received"));
        await world.Store.DeleteOldAsync(world.Clock.GetUtcNow() + TimeSpan.FromDays(22), TestContext.Current.CancellationToken);
        Assert.All(
            ["tlsrpt_received", "tlsrpt_received_policies", "tlsrpt_received_failures", "tlsrpt_received_sums"], table => Assert.Equal(0, world.Count(table)));
    }

    /// <summary>As if its signature had been checked.</summary>
    static async Task<TakenReport> TakeSignedAsync(IntakeWorld world, string signer, string id) => Assert.Single(await world.Store.TakeAsync(
        new ReportSource(ReportOrigin.Mail, $"tls@{signer}", new ReportProof.Signed(DomainName.Parse(signer)), world.Clock.GetUtcNow()),
        [new ReportItem("", new ReadReport.Accepted(IntakeWorld.Report(id), []))], default, 0, TestContext.Current.CancellationToken));

    static async Task<TakenReport> TakeAsync(IntakeWorld world, TlsReport report) => Assert.Single(await world.Store.TakeAsync(
        new ReportSource(ReportOrigin.Https, "192.0.2.1", new ReportProof.Unsigned(), world.Clock.GetUtcNow()),
        [new ReportItem("", new ReadReport.Accepted(report, []))], default, 0, TestContext.Current.CancellationToken));

    /// <summary>Each shape that reporters are known for, and files made to do harm.</summary>
    [Theory]
    [InlineData("mx-host-is-text.json", null)]
    [InlineData("mx-host-has-prefix.json", null)]
    [InlineData("contact-null.json", null)]
    [InlineData("contact-missing.json", null)]
    [InlineData("addresses-missing.json", null)]
    [InlineData("policy-domain-missing-no-policy-found.json", null)]
    [InlineData("failure-count-missing.json", null)]
    [InlineData("policy-type-unknown.json", null)]
    [InlineData("time-without-zone.json", null)]
    [InlineData("tlsa-records-in-one-text.json", null)]
    [InlineData("summary-less-than-details.json", null)]
    [InlineData("summary-more-than-details.json", null)]
    [InlineData("mail-media-type-tlsrpt.eml", null)]
    [InlineData("mail-media-type-octet-stream.eml", null)]
    [InlineData("mail-media-type-gzip.eml", null)]
    [InlineData("mail-media-type-zip.eml", null)]
    [InlineData("mail-media-type-json.eml", null)]
    [InlineData("mail-gzip-type-but-plain.eml", null)]
    [InlineData("mail-not-multipart.eml", null)]
    [InlineData("mail-broken-date.eml", null)]
    [InlineData("end-at-next-midnight.json", null)]
    [InlineData("range-of-a-week.json", null)]
    [InlineData("mail-names-disagree.eml", null)]
    [InlineData("mail-several-attachments.eml", null)]
    [InlineData("gzip-bomb.json.gz", "it unpacks to more than 20971520 octets")]
    [InlineData("zip-bomb.zip", "it unpacks to more than 20971520 octets")]
    [InlineData("truncated.json", "")]
    [InlineData("too-deep.json", "")]
    [InlineData("end-before-start.json", "date-range.end-datetime: is before the start")]
    [InlineData("mail-no-report.eml", "the message holds no report")]
    public async Task Every_known_malformation_is_kept_with_a_warning_or_put_aside_with_a_reason(string file, string? why)
    {
        await using var world = new IntakeWorld();
        foreach (var taken in await TakeAsync(world, file))
        {
            if (why is null)
            {
                Assert.NotEmpty(world.Received.Find(Assert.IsType<TakenReport.Stored>(taken).Id)!.Warnings);
            }
            else
            {
                Assert.Contains(why, Assert.IsType<TakenReport.PutAside>(taken).Why, StringComparison.Ordinal);
                Assert.NotEmpty(Assert.Single(world.Received.Aside()).Why);
            }
        }

        world.AssertWhole();
    }

    [Fact]
    public async Task The_whole_corpus_leaves_whole_reports_only()
    {
        await using var world = new IntakeWorld();
        foreach (var file in Directory.EnumerateFiles(Corpus).Select(path => Path.GetFileName(path)).Where(file => file != "expected.txt" && !file.EndsWith(".mbox", StringComparison.Ordinal)))
        {
            Assert.NotEmpty(await TakeAsync(world, file));
            world.AssertWhole();
        }

        Assert.NotEqual(0, world.Count("tlsrpt_received"));
        Assert.NotEqual(0, world.Count("tlsrpt_aside"));
        Assert.All(world.Received.List(new ReceivedFilter(), limit: 1000), head => Assert.NotNull(world.Received.Find(head.Id)));
    }

    /// <summary>A good report with octets changed, left out or put in, as a message and as a body.</summary>
    [Fact]
    public async Task Whatever_is_changed_in_a_report_nothing_is_kept_in_part()
    {
        await using var world = new IntakeWorld(new IntakeLimits { Unverified = 10_000, DetailsOfSigner = 1_000_000 });
        var (mail, json, gzip) = (
            IntakeWorld.Mail(SampleReports.Full, IntakeWorld.Signer()), TlsReportWriter.ToJson(SampleReports.Full), TlsReportWriter.ToGzip(SampleReports.Full));
        var property = Prop.ForAll(Changes().ToArbitrary(), changes => Task.Run(async () =>
        {
            _ = await world.TakeMailAsync(Apply(mail, changes));
            _ = await world.TakeBodyAsync(Apply(json, changes));
            _ = await world.TakeBodyAsync(Apply(gzip, changes));
            world.AssertWhole();
        }).GetAwaiter().GetResult());
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(100), property);

        // Some changes do no harm, and some do.
        Assert.NotEqual(0, world.Count("tlsrpt_received"));
        Assert.NotEqual(0, world.Count("tlsrpt_aside"));
    }

    static Gen<List<(double Place, int Kind, byte Octet)>> Changes() =>
        Gen.Resize(
            from place in Gen.Choose(0, 999_999)
            from kind in Gen.Choose(0, 2)
            from octet in Gen.OneOf(Gen.Choose(0, 255), Gen.Elements<int>([.. "{}[]\":,0-9.eEnt\\\r\n;=<>"]))
            select (place / 1_000_000.0, kind, (byte)octet), 8) is var change ? Gen.NonEmptyListOf(change).Select(list => list.ToList()) : throw new InvalidOperationException();

    static byte[] Apply(byte[] octets, List<(double Place, int Kind, byte Octet)> changes)
    {
        var changed = octets.ToList();
        foreach (var (place, kind, octet) in changes)
        {
            var index = (int)(place * changed.Count);
            switch (kind)
            {
                case 0:
                    changed[index] = octet;
                    break;
                case 1:
                    changed.RemoveAt(index);
                    break;
                default:
                    changed.Insert(index, octet);
                    break;
            }
        }

        return [.. changed];
    }

    static async Task<ImmutableArray<TakenReport>> TakeAsync(IntakeWorld world, string file)
    {
        var octets = await File.ReadAllBytesAsync(Path.Combine(Corpus, file), TestContext.Current.CancellationToken);
        return file.EndsWith(".eml", StringComparison.Ordinal) ? (await world.TakeMailAsync(octets))!.Value : [await world.TakeBodyAsync(octets)];
    }
}

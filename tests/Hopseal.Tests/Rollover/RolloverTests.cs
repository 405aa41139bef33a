using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Rollover;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests.Rollover;

/// <summary>The parts of the gateway that roll certificates over, with a clock and a zone that the test moves.</summary>
public sealed class RolloverTests : IDisposable
{
    static readonly DomainName s_host = DomainName.Parse("mx1.example.org");

    readonly Workspace _workspace = new();
    readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    readonly ChangingZone _zone = new();
    readonly ListLog<CertificateWatch> _certificateLog = new();
    readonly ListLog<TlsaWatch> _tlsaLog = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _workspace.Dispose();

    /// <summary>Writes another certificate into the files, and returns the record of its key.</summary>
    string Renew(int validDays = 90)
    {
        using var certificate = _workspace.WriteCertificate("mx", s_host.Ascii, validDays);
        return OwnKey.Of(certificate).Record.ToString();
    }

    void Publish(params string[] records) =>
        _zone.Publish("$SECURE on\n$TTL 600\nexample.org A 192.0.2.1\n" + string.Join('\n', records.Select(record => $"_25._tcp.{s_host} TLSA {record}")));

    Machine Start() => new(this);

    [Fact]
    public async Task A_certificate_on_a_key_that_was_announced_is_shown_at_once()
    {
        var first = Renew();
        using var next = _workspace.WriteCertificate("next", s_host.Ascii);
        Publish(first, OwnKey.Of(next).Record.ToString());
        var machine = Start();
        await machine.PassAsync(TimeSpan.FromMinutes(1));

        File.Copy(_workspace.PathOf("next.pem"), _workspace.PathOf("mx.pem"), overwrite: true);
        File.Copy(_workspace.PathOf("next.key"), _workspace.PathOf("mx.key"), overwrite: true);
        await machine.PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(OwnKey.Of(next).Record.ToString(), machine.Shown);
        Assert.Equal(["2012 Information The certificate shown for mx1.example.org matches its TLSA records"], _tlsaLog.Lines);
    }

    [Fact]
    public async Task One_that_was_not_waits_until_its_record_has_been_out_for_two_TTLs()
    {
        var first = Renew();
        Publish(first);
        var machine = Start();
        await machine.PassAsync(TimeSpan.FromMinutes(1));
        var second = Renew();
        await machine.PassAsync(TimeSpan.FromDays(1));
        Assert.Equal(first, machine.Shown);
        Assert.Contains("no published TLSA record of mx1.example.org matches it; the one before stays in use", _certificateLog.Lines[^1], StringComparison.Ordinal);

        Publish(first, second);
        await machine.PassAsync(TimeSpan.FromMinutes(20));
        Assert.Equal(first, machine.Shown);
        Assert.Contains("caches may hold older TLSA records of mx1.example.org", _certificateLog.Lines[^1], StringComparison.Ordinal);
        Assert.Equal(3, _certificateLog.Lines.Count);

        await machine.PassAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(second, machine.Shown);

        Publish(second);
        await machine.PassAsync(TimeSpan.FromHours(1));
        Assert.Equal(["2012 Information The certificate shown for mx1.example.org matches its TLSA records"], _tlsaLog.Lines);
    }

    [Fact]
    public async Task A_restart_keeps_the_old_certificate_and_what_it_waits_for()
    {
        var first = Renew();
        Publish(first);
        await Start().PassAsync(TimeSpan.FromMinutes(1));

        // Renewed while the gateway was down, and DNS does not answer when it comes up.
        var second = Renew();
        _zone.Publish($"_25._tcp.{s_host} FAIL TLSA no answer");
        var machine = Start();
        Assert.Equal(first, machine.Shown);
        await machine.PassAsync(TimeSpan.FromHours(1));
        Assert.Equal(first, machine.Shown);
        Assert.Contains(_tlsaLog.Lines, line => line.StartsWith("2017 Warning ", StringComparison.Ordinal));

        Publish(first, second);
        await machine.PassAsync(TimeSpan.FromMinutes(5));
        machine = Start();
        Assert.Equal(first, machine.Shown);
        await machine.PassAsync(TimeSpan.FromMinutes(30));
        Assert.Equal(second, machine.Shown);
        Assert.Equal(second, Start().Shown);
    }

    [Fact]
    public async Task A_copy_is_shown_until_it_is_known_what_is_published_although_the_history_was_lost()
    {
        var first = Renew();
        Publish(first);
        await Start().PassAsync(TimeSpan.FromMinutes(1));
        File.Delete(_workspace.PathOf("tlsa-seen"));
        var second = Renew();
        _zone.Publish($"_25._tcp.{s_host} FAIL TLSA no answer");
        var machine = Start();
        await machine.PassAsync(TimeSpan.FromHours(1));
        Assert.Equal(first, machine.Shown);

        Publish();
        await machine.PassAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(second, machine.Shown);
    }

    [Fact]
    public async Task Copies_exist_only_while_somebody_verifies_by_TLSA_and_only_the_owner_reads_them()
    {
        var first = Renew();
        Publish(first);
        var machine = Start();
        await machine.PassAsync(TimeSpan.FromMinutes(1));
        var copy = Assert.Single(Directory.GetFiles(RolloverFiles.Copies(_workspace.Directory)));
        Assert.Contains("PRIVATE KEY", await File.ReadAllTextAsync(copy, Cancel), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(copy));
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(RolloverFiles.Copies(_workspace.Directory)));
        }

        var foreign = Path.Combine(RolloverFiles.Copies(_workspace.Directory), "fullchain.pem");
        await File.WriteAllTextAsync(foreign, "somebody else's", Cancel);
        Publish();
        await machine.PassAsync(TimeSpan.FromMinutes(30));
        Assert.Equal([foreign], Directory.GetFiles(RolloverFiles.Copies(_workspace.Directory)));
    }

    [Fact]
    public async Task Without_TLSA_a_renewed_certificate_is_shown_at_once_and_nothing_is_copied()
    {
        Renew();
        Publish();
        var machine = Start();
        await machine.PassAsync(TimeSpan.FromMinutes(1));
        var second = Renew();
        await machine.PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(second, machine.Shown);
        Assert.False(Directory.Exists(RolloverFiles.Copies(_workspace.Directory)));
        Assert.Empty(_tlsaLog.Lines);
    }

    [Fact]
    public async Task An_expired_certificate_gives_way_and_the_price_is_told()
    {
        var first = Renew(validDays: 2);
        Publish(first);
        var machine = Start();
        await machine.PassAsync(TimeSpan.FromMinutes(1));
        var second = Renew();
        await machine.PassAsync(TimeSpan.FromDays(1));
        Assert.Equal(first, machine.Shown);
        await machine.PassAsync(TimeSpan.FromDays(1));
        Assert.Equal(second, machine.Shown);
        Assert.Contains(_tlsaLog.Lines, line => line.StartsWith("2018 Warning ", StringComparison.Ordinal) && line.Contains("has expired", StringComparison.Ordinal));
        Assert.StartsWith("2011 Error The certificate shown for mx1.example.org matches no TLSA record", _tlsaLog.Lines[^1], StringComparison.Ordinal);

        Publish(second);
        await machine.PassAsync(TimeSpan.FromHours(1));
        Assert.StartsWith("2012 ", _tlsaLog.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_that_are_of_no_use_are_told_of_once()
    {
        var first = Renew();
        Publish(first, "1" + first[1..], "3 1 1 abcd");
        await Start().PassAsync(TimeSpan.FromHours(2));
        Assert.Equal(
            [
                "2012 Information The certificate shown for mx1.example.org matches its TLSA records",
                $"2016 Warning Senders ignore the TLSA record 1{first[1..]} of mx1.example.org: usage 1 means nothing to mail servers (RFC 7672 §3.1.3)",
                "2016 Warning Senders ignore the TLSA record 3 1 1 abcd of mx1.example.org: SHA-256 has 32 octets, not 2",
            ],
            _tlsaLog.Lines);
    }

    [Fact]
    public async Task What_is_not_signed_is_told_of_and_holds_nothing_back()
    {
        var first = Renew();
        _zone.Publish($"_25._tcp.{s_host} TLSA {first}");
        var machine = Start();
        await machine.PassAsync(TimeSpan.FromMinutes(10));
        Assert.StartsWith("2013 Warning The TLSA records of mx1.example.org are not signed", Assert.Single(_tlsaLog.Lines), StringComparison.Ordinal);
        var second = Renew();
        await machine.PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(second, machine.Shown);
    }

    /// <summary>What the gateway makes of them at each start.</summary>
    sealed class Machine
    {
        static readonly TimeSpan s_step = TimeSpan.FromSeconds(5);
        static readonly TimeSpan s_longStep = TimeSpan.FromMinutes(10);

        readonly RolloverTests _test;
        readonly OwnTlsa _own;
        readonly TlsaWatch _tlsa;
        readonly CertificateCopies _copies;
        readonly ServerCertificates _certificates;
        readonly CertificateWatch _watch;

        public Machine(RolloverTests test)
        {
            _test = test;
            var workspace = test._workspace;
            _own = new OwnTlsa([s_host], new TlsaAcceptance(new DaneCheck(test._clock)), test._clock);
            _tlsa = new TlsaWatch(_own, new TlsaHistoryFile(RolloverFiles.History(workspace.Directory)), test._zone, test._clock, test._tlsaLog);
            _tlsa.Restore();
            _copies = new CertificateCopies(RolloverFiles.Copies(workspace.Directory), new ListLog<CertificateCopies>());
            var files = new CertificateFiles(workspace.PathOf("mx.pem"), workspace.PathOf("mx.key"));
            _certificates = ServerCertificates.Load([files], test._clock, _own.Rollover(_copies.Find, _tlsa.TellLoss));
            _watch = new CertificateWatch(_certificates, ClientCertificates.Load([]), test._certificateLog);
            _watch.TellStart();
        }

        /// <summary>The TLSA record of the key that clients get to see.</summary>
        public string Shown => OwnKey.Of(_certificates.ShownFor(s_host)!.Sent[0]).Record.ToString();

        /// <summary>Lets time pass, with a look every five seconds, or more rarely when it is long.</summary>
        public async Task PassAsync(TimeSpan time)
        {
            var step = time > TimeSpan.FromHours(2) ? s_longStep : s_step;
            for (var end = _test._clock.GetUtcNow() + time; _test._clock.GetUtcNow() < end; _test._clock.Advance(step))
            {
                await LookAsync();
            }

            await LookAsync();
        }

        async Task LookAsync()
        {
            await _tlsa.LookAsync(Cancel);
            _watch.Look();
            _copies.Keep(_certificates, certificate => _own.IsVerifiedByTlsa(certificate, _certificates));
            _tlsa.Compare(_certificates);
        }
    }
}

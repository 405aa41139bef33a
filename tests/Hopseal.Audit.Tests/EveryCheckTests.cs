using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Tests;

/// <summary>Each check, seen to pass on something good and to tell what is bad.</summary>
public sealed class EveryCheckTests(Scenes scenes) : IClassFixture<Scenes>
{
    static readonly (string Id, Scene Good, Scene Bad, Verdict Verdict)[] s_checks =
    [
        (CheckIds.MxFound, Scene.Gateway, Scene.NoDomain, Verdict.Fail),
        (CheckIds.MxReachable, Scene.Gateway, Scene.HalfDead, Verdict.Warn),
        (CheckIds.SmtpDialogue, Scene.Gateway, Scene.Busy, Verdict.Unknown),
        (CheckIds.SmtpAuthPlaintext, Scene.Gateway, Scene.NoTls, Verdict.Warn),
        (CheckIds.StartTlsOffered, Scene.Gateway, Scene.NoTls, Verdict.Fail),
        (CheckIds.StartTlsStripped, Scene.Gateway, Scene.Masked, Verdict.Fail),
        (CheckIds.StartTlsWorks, Scene.Gateway, Scene.Refusing, Verdict.Fail),
        (CheckIds.StartTlsInjection, Scene.Gateway, Scene.KeepingCommands, Verdict.Fail),
        (CheckIds.StartTlsState, Scene.Gateway, Scene.KeepingCommands, Verdict.Warn),
        (CheckIds.StartTlsRequired, Scene.EximByName, Scene.PostfixTlsOnly, Verdict.Info),
        (CheckIds.VersionSsl2, Scene.Gateway, Scene.Antique, Verdict.Fail),
        (CheckIds.VersionOld, Scene.Gateway, Scene.EximOld, Verdict.Fail),
        (CheckIds.VersionTls12, Scene.Gateway, Scene.EximOld, Verdict.Fail),
        (CheckIds.VersionTls13, Scene.Gateway, Scene.OddGroup, Verdict.Info),
        (CheckIds.SuiteList, Scene.Gateway, Scene.Weak, Verdict.Fail),
        (CheckIds.SuiteBad, Scene.Gateway, Scene.Antique, Verdict.Fail),
        (CheckIds.SuiteOrder, Scene.EximByName, Scene.Weak, Verdict.Warn),
        (CheckIds.GroupList, Scene.Gateway, Scene.OddGroup, Verdict.Warn),
        (CheckIds.GroupDh, Scene.Primes, Scene.Weak, Verdict.Fail),
        (CheckIds.GroupPostQuantum, Scene.PostQuantum, Scene.OddGroup, Verdict.Info),
        (CheckIds.SignatureHash, Scene.Gateway, Scene.Weak, Verdict.Fail),
        (CheckIds.ExtendedMasterSecret, Scene.Gateway, Scene.Antique, Verdict.Fail),
        (CheckIds.SecureRenegotiation, Scene.Gateway, Scene.Antique, Verdict.Fail),
        (CheckIds.Compression, Scene.Gateway, Scene.Antique, Verdict.Fail),
        (CheckIds.FallbackSignal, Scene.Gateway, Scene.Antique, Verdict.Info),
        (CheckIds.Resumption, Scene.Gateway, Scene.OddGroup, Verdict.Info),
        (CheckIds.CertificateChain, Scene.Gateway, Scene.BadCertificate, Verdict.Fail),
        (CheckIds.CertificateName, Scene.Gateway, Scene.BadCertificate, Verdict.Fail),
        (CheckIds.CertificateDates, Scene.Gateway, Scene.BadCertificate, Verdict.Fail),
        (CheckIds.CertificateKey, Scene.Gateway, Scene.BadCertificate, Verdict.Fail),
        (CheckIds.CertificateSignature, Scene.Gateway, Scene.BadCertificate, Verdict.Fail),
        (CheckIds.CertificateUsage, Scene.Gateway, Scene.BadCertificate, Verdict.Warn),
        (CheckIds.ServerNameChange, Scene.Gateway, Scene.EximByName, Verdict.Warn),
        (CheckIds.DnssecMx, Scene.Gateway, Scene.Unpublished, Verdict.Info),
        (CheckIds.DnssecAddress, Scene.Gateway, Scene.Unpublished, Verdict.Info),
        (CheckIds.TlsaExists, Scene.Gateway, Scene.Unpublished, Verdict.Warn),
        (CheckIds.TlsaSyntax, Scene.Gateway, Scene.WrongTlsa, Verdict.Warn),
        (CheckIds.TlsaMatch, Scene.Gateway, Scene.WrongTlsa, Verdict.Fail),
        (CheckIds.TlsaRollover, Scene.Gateway, Scene.WrongTlsa, Verdict.Info),
        (CheckIds.TlsaDenial, Scene.Gateway, Scene.TlsaUnanswered, Verdict.Fail),
        (CheckIds.StsRecord, Scene.Gateway, Scene.TwoPolicies, Verdict.Fail),
        (CheckIds.StsFetch, Scene.Gateway, Scene.PolicyOfStranger, Verdict.Fail),
        (CheckIds.StsHost, Scene.Gateway, Scene.PolicyOfStranger, Verdict.Fail),
        (CheckIds.StsPolicy, Scene.Gateway, Scene.PolicyForOthers, Verdict.Warn),
        (CheckIds.StsMx, Scene.Gateway, Scene.PolicyForOthers, Verdict.Warn),
        (CheckIds.StsAgree, Scene.Gateway, Scene.PolicyNotKept, Verdict.Fail),
        (CheckIds.ReportRecord, Scene.Gateway, Scene.Unpublished, Verdict.Warn),
        (CheckIds.Caa, Scene.Gateway, Scene.Unpublished, Verdict.Info),
        (CheckIds.ReverseName, Scene.Gateway, Scene.Unpublished, Verdict.Info),
        (CheckIds.Identity, Scene.Gateway, Scene.Unpublished, Verdict.Warn),
    ];

    public static TheoryData<string> Ids => [.. s_checks.Select(check => check.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task A_check_passes_on_what_is_good_and_tells_what_is_bad(string id)
    {
        var (_, good, bad, verdict) = s_checks.Single(check => check.Id == id);
        Assert.SkipWhen((Scenes.Missing(good) ?? Scenes.Missing(bad)) is not null, Scenes.Missing(good) ?? Scenes.Missing(bad) ?? "");

        var (passed, told) = ((await scenes.SeeAsync(good)).VerdictOf(id), (await scenes.SeeAsync(bad)).VerdictOf(id));

        Assert.Equal((Verdict.Ok, verdict), (passed, told));
    }

    [Fact]
    public void No_check_is_without_something_good_and_something_bad() =>
        Assert.Equal(CheckIds.All.Order(StringComparer.Ordinal), s_checks.Select(check => check.Id).Order(StringComparer.Ordinal));

    /// <summary>Whatever a server does, it is asked no more often.</summary>
    [Fact]
    public async Task No_address_is_asked_more_than_forty_times()
    {
        foreach (var scene in Enum.GetValues<Scene>().Where(scene => Scenes.Missing(scene) is null))
        {
            Assert.All((await scenes.SeeAsync(scene)).Facts.Hosts.SelectMany(host => host.Endpoints), endpoint => Assert.InRange(endpoint.Connections, 1, 40));
        }
    }
}

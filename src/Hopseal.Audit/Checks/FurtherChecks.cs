using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Checks;

/// <summary>What a deep look tries beside the hellos.</summary>
static class FurtherChecks
{
    const string NameBasis = "RFC 6066 §3";

    static readonly Remedy s_sameForAll = Remedy.Of(
        "Make the certificate for the MX host's name the one that is shown by default: clients that do not ask for a name get the default.",
        ("Postfix", "smtpd_tls_chain_files = /etc/postfix/key.pem, /etc/postfix/chain.pem  # the default; tls_server_sni_maps only adds to it"),
        ("Exim", "tls_certificate = ${if exists{/etc/exim4/certs/$tls_in_sni.pem}{/etc/exim4/certs/$tls_in_sni.pem}{/etc/exim4/certs/default.pem}}"));

    public static IEnumerable<Finding> Of(EndpointFacts endpoint, string subject)
    {
        if (endpoint is { ServerNames: { } names, Handshake: { Chain: [var usual, ..] } handshake })
        {
            yield return ServerName(names, handshake, usual.Fingerprint, subject);
        }

        if (endpoint.PlaintextMail is { } mail)
        {
            yield return Required(mail, subject);
        }
    }

    static Finding ServerName(ServerNameFacts names, HandshakeFacts usual, string fingerprint, string subject)
    {
        string[] seen = [$"for its name: {fingerprint}", $"without a name: {Words(names.WithoutName)}", $"for a name that nobody has: {Words(names.UnknownName)}"];
        var trusted = usual.PkixProblems.IsEmpty && usual.NameMatches is not false;
        var (verdict, title) = names.WithoutName switch
        {
            { Refused: true } => (Verdict.Warn, "Clients that ask for no name get no TLS"),
            { Fingerprint: null } => (NotKnown.Of(Verdict.Warn), "Which certificate is shown to clients that ask for no name is not known"),
            { Fingerprint: var shown } when shown == fingerprint => (Verdict.Ok, "Clients that ask for no name are shown the same certificate"),
            var other when (trusted && other.Trusted is not true) || (usual.TlsaMatches is true && other.TlsaMatches is not true) => (
                Verdict.Warn, "Clients that ask for no name are shown a certificate that is worth less"),
            _ => (Verdict.Info, "Clients that ask for no name are shown another certificate"),
        };
        return new Finding(
            CheckIds.ServerNameChange, subject, Question.Authenticated, verdict, title, [.. seen], NameBasis, verdict is Verdict.Warn ? s_sameForAll : null);
    }

    static string Words(ShownFacts shown) => shown.Fingerprint ?? shown.Problem ?? "nothing";

    /// <summary>A public server has to take mail without TLS, too (RFC 3207 §4); whoever does not has decided so.</summary>
    static Finding Required(PlaintextMailFacts mail, string subject) => new(
        CheckIds.StartTlsRequired, subject, Question.Confidential, mail.Taken is true ? Verdict.Ok : NotKnown.Of(Verdict.Info),
        mail.Taken switch
        {
            true => "Mail is taken without TLS, as a public server has to",
            false => "Mail is taken inside TLS only",
            null => "Whether mail is taken without TLS is not known",
        },
        [mail.Reply], "RFC 3207 §4");
}

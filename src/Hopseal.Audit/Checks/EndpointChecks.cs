using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Checks;

/// <summary>What one address does up to and after STARTTLS (RFC 3207).</summary>
static class EndpointChecks
{
    static readonly Remedy s_offer = Remedy.Of(
        "Switch STARTTLS on.",
        ("Postfix", "smtpd_tls_security_level = may\nsmtpd_tls_chain_files = /etc/postfix/key.pem, /etc/postfix/chain.pem"),
        ("Exim", "tls_advertise_hosts = *\ntls_certificate = /etc/exim4/chain.pem\ntls_privatekey = /etc/exim4/key.pem"),
        ("Exchange", "Enable-ExchangeCertificate -Thumbprint … -Services SMTP"),
        ("Hopseal", "\"Certificates\": [ { \"Chain\": \"fullchain.pem\", \"Key\": \"privkey.pem\" } ]"));

    /// <param name="anotherTalks">Another address of the same host does.</param>
    public static IEnumerable<Finding> Of(EndpointFacts endpoint, string subject, bool anotherTalks)
    {
        var dialogue = endpoint.Dialogue;
        if (dialogue.Reach is not (Reach.Unreachable or Reach.NotAsked or Reach.NoneLeft))
        {
            yield return new Finding(CheckIds.MxReachable, subject, Question.Confidential, Verdict.Ok, "It can be reached", [], "RFC 5321 §5.1");
        }

        yield return Reachable(endpoint, subject, anotherTalks);
        if (dialogue.Reach is not Reach.Talked)
        {
            yield break;
        }

        if (!dialogue.Masked.IsEmpty)
        {
            yield return new Finding(
                CheckIds.StartTlsStripped, subject, Question.Confidential, Verdict.Fail, "Something on the way hides STARTTLS: an attack or a middlebox",
                [.. dialogue.Masked, .. dialogue.Transcript], "RFC 3207 §6", Remedy.Of("Find the device: often a firewall's \"SMTP inspection\". Switch it off."));
        }
        else if (dialogue.StartTls is not null)
        {
            yield return new Finding(CheckIds.StartTlsStripped, subject, Question.Confidential, Verdict.Ok, "No sign that capabilities are hidden", [], "RFC 3207 §6");
        }

        foreach (var finding in StartTls(endpoint, subject).Concat(Inside(endpoint, subject)))
        {
            yield return finding;
        }
    }

    static Finding Reachable(EndpointFacts endpoint, string subject, bool anotherTalks)
    {
        var dialogue = endpoint.Dialogue;
        var (id, verdict, title) = dialogue.Reach switch
        {
            Reach.Talked => (CheckIds.SmtpDialogue, Verdict.Ok, "It answers"),
            Reach.Unreachable => (CheckIds.MxReachable, anotherTalks ? Verdict.Warn : Verdict.Unknown, "It cannot be reached"),
            Reach.TurnedAway => (CheckIds.SmtpDialogue, Verdict.Unknown, "It turned us away for now"),
            Reach.Refused => (CheckIds.SmtpDialogue, Verdict.Unknown, "It turned us away"),
            Reach.Unreadable => (CheckIds.SmtpDialogue, Verdict.Unknown, "What it says cannot be followed"),
            Reach.NotAsked => (CheckIds.MxReachable, Verdict.Unknown, "It is on the do-not-scan list, and was not asked"),
            Reach.NoneLeft => (CheckIds.MxReachable, Verdict.Unknown, "It was not asked: other names of its address had all connections that may be opened to it"),
            _ => throw new ArgumentException($"unknown reach {dialogue.Reach}", nameof(endpoint)),
        };
        ImmutableArray<string> evidence = dialogue.Reach is Reach.Talked
            ? [dialogue.Banner ?? "", .. endpoint.AskedAs is { } name ? [$"all but its certificate was asked under the name {name}"] : (string[])[]]
            : [dialogue.Why ?? "", .. dialogue.Transcript];
        return new Finding(id, subject, Question.Confidential, verdict, title, evidence, "RFC 5321 §4.2");
    }

    static IEnumerable<Finding> StartTls(EndpointFacts endpoint, string subject)
    {
        var dialogue = endpoint.Dialogue;
        if (dialogue.StartTls is { } offered)
        {
            yield return offered
                ? new Finding(CheckIds.StartTlsOffered, subject, Question.Confidential, Verdict.Ok, "STARTTLS is offered", [], "RFC 3207 §4")
                : new Finding(
                    CheckIds.StartTlsOffered, subject, Question.Confidential, Verdict.Fail, "STARTTLS is not offered: mail to it crosses the network in plaintext",
                    [.. dialogue.Capabilities], "RFC 3207 §4", s_offer);
            if (PlaintextLogin.Offered(endpoint.Protocol, dialogue.Capabilities) is { } login)
            {
                yield return new Finding(
                    CheckIds.SmtpAuthPlaintext, subject, Question.Confidential, Verdict.Warn, "Passwords are asked for before TLS", [login], "RFC 8314 §3",
                    Remedy.Of("Offer AUTH inside TLS only.", ("Postfix", "smtpd_tls_auth_only = yes"), ("Dovecot", "disable_plaintext_auth = yes"), ("Exim", "auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}")));
            }
            else
            {
                yield return new Finding(CheckIds.SmtpAuthPlaintext, subject, Question.Confidential, Verdict.Ok, "No password is asked for before TLS", [], "RFC 8314 §3");
            }
        }

        if (endpoint.Handshake is { } handshake && dialogue.StartTls is not false)
        {
            yield return handshake.Works
                ? new Finding(CheckIds.StartTlsWorks, subject, Question.Confidential, Verdict.Ok, $"TLS {handshake.Version} is reached", [handshake.Cipher ?? ""], "RFC 3207 §4")
                : new Finding(
                    CheckIds.StartTlsWorks, subject, Question.Confidential, Broken(endpoint), "The TLS handshake fails",
                    [handshake.Failure ?? "", .. dialogue.Transcript], "RFC 3207 §4.1", Remedy.Of("Look at the server's log: a missing key file, or settings that leave no common version or suite."));
        }
    }

    /// <summary>The platform's own handshake may lack what an old server needs: when a hand-made hello was answered, TLS works.</summary>
    static Verdict Broken(EndpointFacts endpoint) => endpoint.Tls is { Speaks: true } ? Verdict.Warn : Verdict.Fail;

    static IEnumerable<Finding> Inside(EndpointFacts endpoint, string subject)
    {
        if (endpoint.Injection is { Executed: { } executed } injection)
        {
            yield return executed
                ? new Finding(
                    CheckIds.StartTlsInjection, subject, Question.Confidential, Verdict.Fail, "Commands from before TLS are executed inside it (CVE-2011-0411)",
                    [injection.Detail], "RFC 3207 §6", Remedy.Of("Update the server: its input buffer has to be emptied at STARTTLS."))
                : new Finding(CheckIds.StartTlsInjection, subject, Question.Confidential, Verdict.Ok, "What comes before TLS is forgotten", [injection.Detail], "RFC 3207 §6");
        }

        if (endpoint.Dialogue is { StartTls: true, CapabilitiesInside.IsEmpty: false } dialogue)
        {
            var again = dialogue.CapabilitiesInside.Any(line => line.Equals("STARTTLS", StringComparison.OrdinalIgnoreCase));
            yield return new Finding(
                CheckIds.StartTlsState, subject, Question.Confidential, again ? Verdict.Warn : Verdict.Ok,
                again ? "STARTTLS is offered again inside TLS" : "The session starts anew inside TLS", [.. dialogue.CapabilitiesInside], "RFC 3207 §4.2");
        }
    }
}

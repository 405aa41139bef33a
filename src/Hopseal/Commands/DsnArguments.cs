using System.Text;
using Hopseal.Configuration;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Commands;

/// <summary>What the sender wants to be told, on the command line: read as the same parameters of MAIL and RCPT would be (RFC 3461 §4).</summary>
static class DsnArguments
{
    /// <exception cref="UsageException">A value that a server would refuse.</exception>
    public static Envelope Apply(Envelope envelope, string? notify, string? ret, string? envelopeId)
    {
        if (ret is not null)
        {
            envelope = envelope with { Return = Mail("--ret", ret, $"RET={ret}").Return };
        }

        if (envelopeId is not null)
        {
            envelope = envelope with { EnvelopeId = Mail("--envid", envelopeId, $"ENVID={Escaped(envelopeId)}").EnvelopeId };
        }

        if (notify is not null)
        {
            var when = Rcpt("--notify", notify).Notify;
            envelope = envelope with { Recipients = [.. envelope.Recipients.Select(recipient => recipient with { Notify = when })] };
        }

        return envelope;
    }

    static MailParameters Mail(string option, string value, string parameter) =>
        Parse($"MAIL FROM:<> {parameter}") is SmtpCommand.Mail { Parameters: { } parameters } && Has(parameters) ? parameters : throw No(option, value);

    static RcptParameters Rcpt(string option, string value) =>
        Parse($"RCPT TO:<postmaster> NOTIFY={value}") is SmtpCommand.Rcpt { Parameters: { Notify: not null } parameters } ? parameters : throw No(option, value);

    static bool Has(MailParameters parameters) => parameters.Return is not null || parameters.EnvelopeId is not null;

    static SmtpCommand Parse(string line) => SmtpCommandParser.Parse(Encoding.UTF8.GetBytes(line));

    /// <summary>As xtext, all of it: what may not stand there is refused all the same.</summary>
    static string Escaped(string value) => string.Concat(Encoding.UTF8.GetBytes(value).Select(octet => $"+{octet:X2}"));

    static UsageException No(string option, string value) => new($"{option}: {Shown.Text(value)} is not understood");
}

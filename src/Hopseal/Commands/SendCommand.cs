using System.CommandLine;
using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands;

/// <summary><c>hopseal send</c>: one message on its way, with the plan and the dialogue.</summary>
static class SendCommand
{
    const int MostPasswordOctets = 1024;

    public static Command Create(Terminal terminal)
    {
        var from = new Option<string>("--from") { Description = "The sender; <> for none.", HelpName = "ADDRESS", Required = true };
        var to = new Option<string[]>("--to")
        {
            Description = "A recipient; may be repeated.",
            HelpName = "ADDRESS",
            Required = true,
        };
        var via = new Option<string?>("--via")
        {
            Description = "The server to hand it to, instead of the MX hosts of each recipient's domain.",
            HelpName = "HOST:PORT",
        };
        var tls = new Option<string?>("--tls")
        {
            Description = "The least that the connection must have; without it, encrypted where offered.",
            HelpName = "plaintext|encrypted|authenticated",
        };
        tls.AcceptOnlyFromAmong("plaintext", "encrypted", "authenticated");
        var requireTls = new Option<bool>("--require-tls")
        {
            Description = "Say REQUIRETLS: never without verified TLS, and only to servers that promise the same.",
        };
        var tlsOptional = new Option<bool>("--tls-optional")
        {
            Description = "Add TLS-Required: No: rather delivered than protected, whatever the recipient's side published.",
        };
        var @implicit = new Option<bool>("--implicit") { Description = "TLS from the first byte, as on port 465. Needs --via." };
        var user = new Option<string?>("--user") { Description = "Log in as this user. Needs --via and --password-file.", HelpName = "NAME" };
        var passwordFile = new Option<string?>("--password-file") { Description = "Its first line is the password.", HelpName = "FILE" };
        var ca = new Option<string?>("--ca") { Description = "PEM file of an authority to trust besides the system's.", HelpName = "FILE" };
        var helo = new Option<string?>("--helo") { Description = "Our name in EHLO.", HelpName = "NAME" };
        var notify = new Option<string?>("--notify")
        {
            Description = "When to report: never, or a list of success, failure and delay. For servers that offer DSN.",
            HelpName = "LIST",
        };
        var ret = new Option<string?>("--ret") { Description = "How much of the message a report on a failure returns.", HelpName = "full|hdrs" };
        var envid = new Option<string?>("--envid") { Description = "What reports are to call the message.", HelpName = "ID" };
        var file = new Argument<string>("FILE")
        {
            Description = "The message; - for standard input.",
            DefaultValueFactory = _ => "-",
        };

        var command = new Command("send", "Sends one message, and shows the plan and the dialogue.")
        {
            from, to, via, tls, requireTls, tlsOptional, @implicit, user, passwordFile, ca, helo, notify, ret, envid, file,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var hop = Via(parsed.GetValue(via), parsed.GetValue(@implicit), parsed.GetValue(user));
            var (required, optional) = (parsed.GetValue(requireTls), parsed.GetValue(tlsOptional));
            if (required && optional)
            {
                throw new UsageException("--require-tls and --tls-optional contradict each other");
            }

            var request = new SendRequest
            {
                Envelope = DsnArguments.Apply(
                    Envelope(parsed.GetRequiredValue(from), parsed.GetRequiredValue(to)) with
                    {
                        Tls = required ? MessageTls.Required : MessageTls.Unspecified,
                    },
                    parsed.GetValue(notify), parsed.GetValue(ret), parsed.GetValue(envid)),
                Via = hop,
                Floor = parsed.GetValue(tls) is { } floor ? Enum.Parse<SecurityFloor>(floor, ignoreCase: true) : null,
                Credentials = Credentials(parsed.GetValue(user), parsed.GetValue(passwordFile), terminal),
                Roots = Roots(parsed.GetValue(ca), terminal),
                Hostname = parsed.GetValue(helo) ?? Environment.MachineName,
            };
            var content = await ContentAsync(parsed.GetRequiredValue(file), terminal, cancel);
            return await new Sending(request, optional ? WithoutTlsRequired(content) : content, terminal).RunAsync(cancel);
        });
        return command;
    }

    static Envelope Envelope(string from, string[] to) =>
        new(from is "<>" or "" ? null : AddressArgument.Parse(from), [.. to.Select(AddressArgument.Parse)]);

    static NextHop? Via(string? text, bool isImplicit, string? user)
    {
        if (text is null)
        {
            return isImplicit || user is not null
                ? throw new UsageException("--implicit and --user need --via: MX hosts know neither")
                : null;
        }

        var hop = NextHopText.Parse(text) ?? throw new UsageException($"--via: {Shown.Text(text)} is no next hop: write {NextHopText.Forms}");
        return isImplicit ? hop with { Start = TlsStart.Implicit } : hop;
    }

    static ClientCredentials? Credentials(string? user, string? passwordFile, Terminal terminal)
    {
        if (user is null != passwordFile is null)
        {
            throw new UsageException("--user and --password-file belong together");
        }

        if (user is null || passwordFile is null)
        {
            return null;
        }

        try
        {
            var password = Deployment.ReadSecret(Path.GetFullPath(passwordFile, terminal.Directory), MostPasswordOctets);
            return password.Length == 0
                ? throw new UsageException($"--password-file: {passwordFile} is empty")
                : new ClientCredentials(user, password);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--password-file: {e.Message}");
        }
    }

    static TrustedRoots Roots(string? file, Terminal terminal)
    {
        try
        {
            return file is null ? TrustedRoots.System : TrustedRoots.Load([Path.GetFullPath(file, terminal.Directory)]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new UsageException($"--ca: {e.Message}");
        }
    }

    /// <summary>With the field that says so, unless it is there.</summary>
    static byte[] WithoutTlsRequired(byte[] content)
    {
        var facts = new ContentFacts();
        facts.Look(content);
        return facts.WaivesTls ? content : [.. "TLS-Required: No\r\n"u8, .. content];
    }

    static async Task<byte[]> ContentAsync(string file, Terminal terminal, CancellationToken cancel)
    {
        try
        {
            await using var input = file == "-" ? terminal.OpenInput() : File.OpenRead(Path.GetFullPath(file, terminal.Directory));
            return await MessageInput.ReadAsync(input, cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"the message cannot be read: {e.Message}");
        }
    }
}

using System.Collections.Immutable;
using System.Net;
using Hopseal.Configuration;
using Hopseal.Smtp.Server;

namespace Hopseal.Commands;

/// <summary>What local mode tells a person who started it.</summary>
static class LocalModeScreen
{
    public static void Write(TextWriter writer, GatewayConfiguration configuration, ImmutableArray<IPEndPoint> endpoints, Uri? dashboard)
    {
        writer.WriteLine("Hopseal in local mode: there is no --config, so nothing leaves this machine.");
        writer.WriteLine();
        foreach (var (listener, endpoint) in configuration.Listeners.Zip(endpoints))
        {
            var login = listener.Authentication is AuthenticationUse.None
                ? ""
                : $"; user {LocalMode.User}, password {LocalMode.Password}, if you want to log in";
            writer.WriteLine($"  {endpoint,-15} {Describe(listener.Mode)}{login}");
        }

        var directory = configuration.DataDirectory;
        writer.WriteLine();
        writer.WriteLine($"  Mail for any domain is kept in {Path.Combine(LocalMode.MaildirOf(directory), "new")}");
        writer.WriteLine($"  The certificate is signed by   {LocalMode.AuthorityOf(directory)}");
        writer.WriteLine();
        if (dashboard is not null)
        {
            writer.WriteLine($"  The dashboard is at           {dashboard}");
            writer.WriteLine();
        }

        writer.WriteLine("Send a message through it from another terminal:");
        writer.WriteLine();
        writer.WriteLine(
            $"  printf 'Subject: hello\\n\\nThis is a test.\\n' | hopseal send --from you@example.org --to me@example.net --via localhost:{endpoints[0].Port}"
            + $" --tls authenticated --ca {LocalMode.DirectoryName}/ca.pem");
        writer.WriteLine();
        writer.WriteLine("Ctrl-C stops it.");
        writer.WriteLine();
    }

    static string Describe(ListenerMode mode) => mode switch
    {
        ListenerMode.StartTls => "STARTTLS offered",
        ListenerMode.StartTlsRequired => "STARTTLS required",
        ListenerMode.ImplicitTls => "TLS from the first byte",
    };
}

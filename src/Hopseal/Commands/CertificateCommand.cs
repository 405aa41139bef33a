using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Hopseal.Policy.Dane;
using Hopseal.Rollover;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands;

/// <summary><c>hopseal certificate</c>: the key of the next certificate, made ahead.</summary>
static class CertificateCommand
{
    public static Command Create(Terminal terminal)
    {
        var config = ConfigurationArgument.Create();
        var number = new Option<int?>("--certificate")
        {
            Description = "Which entry of Certificates, from 0; needed when several have a NextKey.",
            HelpName = "N",
        };
        var make = new Command("next-key", "Makes the key that NextKey names, and prints a request for a certificate on it. Never overwrites.") { config, number };
        make.SetAction(parsed => Run(parsed.GetRequiredValue(config), parsed.GetValue(number), create: true, terminal));
        var request = new Command("request", "Prints a request for a certificate on the key that NextKey names.") { config, number };
        request.SetAction(parsed => Run(parsed.GetRequiredValue(config), parsed.GetValue(number), create: false, terminal));
        return new Command("certificate", "Prepares the next certificate, so that its TLSA record is published before it is used.") { make, request };
    }

    static int Run(string file, int? number, bool create, Terminal terminal)
    {
        var configuration = ConfigurationArgument.Load(file, terminal);
        var files = Choose(configuration.Certificates, number);
        var path = files.NextKey!;
        if (create)
        {
            Make(path);
        }

        if (NextKey.Read(path) is not NextKey.Usable key)
        {
            throw new UsageException(NextKey.Read(path) switch
            {
                NextKey.Broken broken => broken.Why,
                NextKey.Forbidden forbidden => forbidden.Why,
                _ => $"{path} does not exist; `hopseal certificate next-key` makes it",
            });
        }

        var names = ServerCertificates.Load([files], terminal.Clock).Certificates is [var current] && !current.Names.IsEmpty
            ? current.Names
            : [configuration.Hostname.Ascii];
        terminal.Out.WriteLine(key.Request(names));
        terminal.Error.WriteLine($"The key is in {path}; the request is for {string.Join(", ", names)}.");
        var hosts = configuration.MxNames.Where(host => names.Any(name => Policy.CertificateNames.Match(host.Ascii, name))).ToArray();
        terminal.Error.WriteLine(hosts.Length > 0
            ? "Publish these beside what is published now, and use the certificate when they have been there for two TTLs:"
            : "It is for no name of MxNames (without: Hostname, where a listener is on port 25): there is no TLSA record to publish.");
        foreach (var host in hosts)
        {
            terminal.Error.WriteLine($"  {PublishedTlsa.OwnerOf(host)}. IN TLSA {OwnKey.Of(key.PublicKey).Record}");
        }

        return ExitCode.Done;
    }

    static CertificateFiles Choose(ImmutableArray<CertificateFiles> all, int? number)
    {
        if (number is { } chosen)
        {
            return chosen >= 0 && chosen < all.Length && all[chosen].NextKey is not null
                ? all[chosen]
                : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"there is no Certificates[{chosen}] with a NextKey"));
        }

        return all.Where(files => files.NextKey is not null).ToArray() switch
        {
            [var only] => only,
            [] => throw new UsageException("no entry of Certificates has a NextKey, which says where the key is to be"),
            _ => throw new UsageException("several entries of Certificates have a NextKey: choose one with --certificate"),
        };
    }

    static void Make(string path)
    {
        try
        {
            NextKey.Create(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(File.Exists(path) ? $"{path} exists, and a key is never overwritten" : $"{path} cannot be made: {e.Message}");
        }
    }
}

using System.CommandLine;
using Hopseal.Configuration;
using Hopseal.Dns;

namespace Hopseal.Commands;

/// <summary>The configuration that a command works with, and what follows from it at once.</summary>
static class ConfigurationArgument
{
    public static Option<string> Create() => new("--config", "-c")
    {
        Description = "The gateway's configuration file.",
        DefaultValueFactory = _ => "hopseal.json",
        HelpName = "FILE",
    };

    /// <summary>For commands that only need to know where a gateway keeps its data.</summary>
    public static Option<string?> OfData() => new("--config", "-c")
    {
        Description = "The gateway's configuration file. Without one: the data of local mode, in this directory.",
        HelpName = "FILE",
    };

    /// <summary>For commands that start no gateway.</summary>
    /// <exception cref="UsageException">It cannot be used; every fault was written.</exception>
    public static GatewayConfiguration Load(string file, Terminal terminal)
    {
        switch (ConfigurationFile.Load(file, terminal.Directory, terminal.Variables, terminal.Clock))
        {
            case ConfigurationResult.Usable usable:
                ConfigCommand.Write(terminal.Error, usable.Warnings.Where(warning => !warning.OfServing));
                return usable.Configuration;
            case ConfigurationResult.Faulty faulty:
                ConfigCommand.Write(terminal.Error, faulty.Faults);
                throw new UsageException($"{file} cannot be used");
            case ConfigurationResult.Unreadable unreadable:
                throw new UsageException(unreadable.Why);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>Where a gateway keeps its data, without looking whether the rest of its configuration can be used.</summary>
    /// <param name="file">Null: local mode, in this directory.</param>
    /// <exception cref="UsageException">It is not said.</exception>
    public static string DataDirectory(string? file, Terminal terminal)
    {
        if (file is null)
        {
            var local = Path.Combine(terminal.Directory, LocalMode.DirectoryName);
            return Directory.Exists(local)
                ? local
                : throw new UsageException($"there is no {LocalMode.DirectoryName} here: name the gateway's configuration with --config");
        }

        var (directory, why) = ConfigurationFile.FindDataDirectory(file, terminal.Directory, terminal.Variables);
        return directory ?? throw new UsageException(why!);
    }

    /// <exception cref="UsageException">There is none.</exception>
    public static IDnsResolver Resolver(DnsSettings settings, Terminal terminal, int? questionsAtOnce = null)
    {
        try
        {
            return terminal.Zone ?? Resolvers.Create(settings, terminal.Clock, questionsAtOnce);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"no resolver can be asked: {e.Message}");
        }
    }
}

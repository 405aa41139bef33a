using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Hopseal.Configuration;

/// <summary>What became of reading a configuration.</summary>
abstract record ConfigurationResult
{
    ConfigurationResult()
    {
    }

    /// <summary>The file could not be read at all.</summary>
    public sealed record Unreadable(string Why) : ConfigurationResult;

    /// <param name="Faults">Errors, at least one, and warnings.</param>
    public sealed record Faulty(ImmutableArray<ConfigFault> Faults) : ConfigurationResult;

    public sealed record Usable(GatewayConfiguration Configuration, ImmutableArray<ConfigFault> Warnings) : ConfigurationResult;
}

/// <summary>From <c>hopseal.json</c> and the environment to a <see cref="GatewayConfiguration"/>, or to every fault at once.</summary>
static class ConfigurationFile
{
    const int MaxOctets = 1024 * 1024;

    /// <summary>For the file and all that it names. A pipe that nobody writes to would else hold us for ever; one that somebody writes to, as
    /// shells make of <c>&lt;(…)</c>, is as good as a file.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <param name="path">As the person wrote it; messages begin with it.</param>
    public static ConfigurationResult Load(
        string path, string currentDirectory, IEnumerable<KeyValuePair<string, string>> variables, TimeProvider clock)
    {
        try
        {
            return Task.Run(() => LoadAll(path, currentDirectory, variables, clock)).WaitAsync(s_patience, clock).GetAwaiter().GetResult();
        }
        catch (TimeoutException)
        {
            return new ConfigurationResult.Unreadable(
                $"{path}: could not be read within {s_patience.TotalSeconds:0} seconds; it, or a file that it names, may be a pipe that nobody writes to");
        }
    }

    static ConfigurationResult LoadAll(
        string path, string currentDirectory, IEnumerable<KeyValuePair<string, string>> variables, TimeProvider clock)
    {
        var fullPath = Path.GetFullPath(path, currentDirectory);
        byte[] octets;
        try
        {
            octets = ReadBounded(fullPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ConfigurationResult.Unreadable(e is FileNotFoundException or DirectoryNotFoundException
                ? $"{path}: there is no such file"
                : $"{path}: cannot be read: {e.Message}");
        }

        var faults = new FaultList();
        if (octets.Length > MaxOctets)
        {
            faults.Error(new Origin(path, 1), "", $"is larger than {MaxOctets} octets");
            return new ConfigurationResult.Faulty(faults.InOrder());
        }

        var configuration = JsonTree.Read(octets, path, faults) is { } table
            ? ConfigurationReader.Read(
                EnvironmentOverlay.Apply(table, variables, faults), Path.GetDirectoryName(fullPath) ?? "/", faults, clock)
            : null;
        return configuration is null || faults.HasErrors
            ? new ConfigurationResult.Faulty(faults.InOrder())
            : new ConfigurationResult.Usable(configuration with { Digest = DigestOf(octets, variables) }, faults.InOrder());
    }

    static string DigestOf(byte[] octets, IEnumerable<KeyValuePair<string, string>> variables)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(octets);
        foreach (var (name, value) in variables
            .Where(variable => variable.Key.StartsWith(EnvironmentOverlay.Prefix, StringComparison.Ordinal))
            .OrderBy(variable => variable.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"\0{name}={value}"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Only where the data is: whatever else is wrong with the file must not keep anybody from the queue.</summary>
    /// <returns>The absolute path, or in words why there is none.</returns>
    public static (string? Directory, string? Why) FindDataDirectory(
        string path, string currentDirectory, IEnumerable<KeyValuePair<string, string>> variables)
    {
        var fullPath = Path.GetFullPath(path, currentDirectory);
        try
        {
            var faults = new FaultList();
            var octets = ReadBounded(fullPath);
            var directory = octets.Length <= MaxOctets && JsonTree.Read(octets, path, faults) is { } table
                ? new Section(EnvironmentOverlay.Apply(table, variables, faults), "", faults)
                    .Require("DataDirectory")?.Path(Path.GetDirectoryName(fullPath) ?? "/")
                : null;
            return (directory, directory is null ? faults.InOrder().FirstOrDefault()?.ToString() ?? $"{path}: is too large" : null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, e is FileNotFoundException or DirectoryNotFoundException
                ? $"{path}: there is no such file"
                : $"{path}: cannot be read: {e.Message}");
        }
    }

    /// <summary>At most one octet more than the limit: enough to know that there is more.</summary>
    static byte[] ReadBounded(string path)
    {
        using var file = File.OpenRead(path);
        var buffer = new byte[MaxOctets + 1];
        return buffer[..file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
    }
}

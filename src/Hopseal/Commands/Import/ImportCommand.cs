using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hopseal.Configuration;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands.Import;

/// <summary><c>hopseal config import-postfix-tls-policy</c>.</summary>
static class ImportCommand
{
    static readonly JsonWriterOptions s_json = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "The text of the table, not what postmap made of it." };
        var command = new Command(
            "import-postfix-tls-policy",
            "Prints a Postfix smtp_tls_policy_maps table as Outbound.Rules, and names each line that cannot be carried over.") { file };
        command.SetAction(parsed => Import(parsed.GetRequiredValue(file), terminal));
        return command;
    }

    static int Import(string file, Terminal terminal)
    {
        ImportedPolicy policy;
        try
        {
            policy = PostfixTlsPolicy.Read(Content(Path.GetFullPath(file, terminal.Directory)));
        }
        catch (InvalidDataException e)
        {
            throw new UsageException($"{Shown.Plain(file)}: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{Shown.Plain(file)} cannot be read: {e.Message}");
        }

        terminal.Out.WriteLine(Write(policy));
        foreach (var note in policy.Notes)
        {
            terminal.Error.WriteLine($"{Shown.Plain(file)}:{note.Line}: {(note.IsLoss ? "" : "note: ")}{note.Words}");
        }

        return policy.Notes.Any(note => note.IsLoss) ? ExitCode.No : ExitCode.Done;
    }

    /// <summary>One octet more than is allowed, where there is more.</summary>
    static byte[] Content(string path)
    {
        using var stream = File.OpenRead(path);
        var buffer = new byte[PostfixTable.MaxOctets + 1];
        return buffer[..stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
    }

    static string Write(ImportedPolicy policy)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_json))
        {
            json.WriteStartObject();
            json.WriteStartObject("Outbound");
            json.WriteStartArray("Rules");
            foreach (var rule in policy.Rules)
            {
                Write(json, rule);
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    static void Write(Utf8JsonWriter json, ImportedRule rule)
    {
        json.WriteStartObject();
        json.WriteString("Destination", rule.Destination);
        json.WriteString("Tls", rule.Tls.ToString());
        if (rule.MinimumVersion is TlsVersion.Tls13)
        {
            json.WriteString("MinimumVersion", "1.3");
        }

        WriteList(json, "Names", rule.Names);
        WriteList(json, "Fingerprints", rule.Fingerprints.Select(pin => pin.ToString()));
        WriteList(json, "Roots", rule.Roots);
        json.WriteEndObject();
    }

    static void WriteList(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        if (!values.Any())
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}

using System.Text;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>A message in a Maildir: what was put before it on its way, and the content that was sent.</summary>
/// <param name="Trace">The header fields in front of the content: Received, Return-Path, Delivered-To, X-Original-To.</param>
/// <param name="Content">With LF line ends, as a Maildir has it.</param>
sealed record Arrival(IReadOnlyList<string> Trace, ReadOnlyMemory<byte> Content)
{
    public IEnumerable<string> Received => Fields("Received");

    /// <summary>The envelope recipient this copy is for.</summary>
    public string Recipient => Fields("Delivered-To").First();

    public IEnumerable<string> Fields(string name) =>
        Trace.Where(field => field.StartsWith($"{name}: ", StringComparison.OrdinalIgnoreCase)).Select(field => field[(name.Length + 2)..]);
}

/// <summary>A Maildir that some program delivers to.</summary>
sealed class Maildir(string path)
{
    static readonly string[] s_traceFields = ["Received", "Return-Path", "Delivered-To", "X-Original-To"];

    readonly Dictionary<string, Arrival> _read = [];

    /// <summary>Everything that has arrived so far.</summary>
    public IReadOnlyList<Arrival> Messages
    {
        get
        {
            var files = Directory.Exists(New) ? Directory.GetFiles(New) : [];
            lock (_read)
            {
                foreach (var file in files.Where(file => !_read.ContainsKey(file)))
                {
                    _read.Add(file, Parse(File.ReadAllBytes(file)));
                }

                return [.. _read.Values];
            }
        }
    }

    string New => Path.Combine(path, "new");

    /// <summary>The messages whose content holds the mark, once there are <paramref name="count"/>.</summary>
    public Task<IReadOnlyList<Arrival>> WaitForAsync(
        string mark, int count, TimeSpan limit, Func<string> story, CancellationToken cancel)
    {
        return Eventually.FindAsync<IReadOnlyList<Arrival>>(
            $"arrival of {count} × {mark}", limit, () => Find(mark) is { } found && found.Count >= count ? found : null, story, cancel);
    }

    /// <summary>How many messages hold the mark by now.</summary>
    public int Count(string mark) => Find(mark).Count;

    List<Arrival> Find(string mark)
    {
        var octets = Encoding.ASCII.GetBytes(mark);
        return [.. Messages.Where(message => message.Content.Span.IndexOf(octets) >= 0)];
    }

    /// <summary>Takes trace fields from the top until the first field that is none.</summary>
    public static Arrival Parse(ReadOnlyMemory<byte> file)
    {
        var trace = new List<string>();
        while (true)
        {
            var field = FirstField(file.Span);
            var text = Encoding.UTF8.GetString(file.Span[..field]).TrimEnd('\n');
            if (!s_traceFields.Any(name => text.StartsWith($"{name}: ", StringComparison.OrdinalIgnoreCase)))
            {
                return new Arrival(trace, file);
            }

            trace.Add(text);
            file = file[field..];
        }
    }

    /// <summary>Octets of the first field with its folded lines and the line end.</summary>
    static int FirstField(ReadOnlySpan<byte> text)
    {
        var end = 0;
        do
        {
            var line = text[end..].IndexOf((byte)'\n');
            if (line < 0)
            {
                return text.Length;
            }

            end += line + 1;
        }
        while (end < text.Length && text[end] is (byte)' ' or (byte)'\t');
        return end;
    }
}

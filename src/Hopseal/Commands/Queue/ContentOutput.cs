using System.Text;

namespace Hopseal.Commands.Queue;

/// <summary>A message on standard output: octet for octet into a file or another program; on a terminal without anything that it would
/// obey.</summary>
sealed class ContentOutput(Terminal terminal) : IAsyncDisposable
{
    readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    Stream? _output;

    public async Task WriteAsync(byte[] octets, CancellationToken cancel)
    {
        if (terminal.OutWidth is null)
        {
            _output ??= terminal.OpenOutput();
            await _output.WriteAsync(octets, cancel);
            return;
        }

        var characters = new char[octets.Length + 1];
        var count = _decoder.GetChars(octets, characters, flush: false);
        for (var i = 0; i < count; i++)
        {
            characters[i] = char.IsControl(characters[i]) && characters[i] is not ('\n' or '\t') ? (characters[i] == '\r' ? ' ' : '?') : characters[i];
        }

        await terminal.Out.WriteAsync(characters.AsMemory(0, count), cancel);
    }

    public async ValueTask DisposeAsync()
    {
        if (_output is not null)
        {
            await _output.DisposeAsync();
        }
    }
}

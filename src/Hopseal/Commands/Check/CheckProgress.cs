using Hopseal.Configuration;

namespace Hopseal.Commands.Check;

/// <summary>What is asked now, in one line that overwrites itself; nothing where nobody reads it on a terminal.</summary>
/// <param name="targets">Of the run.</param>
sealed class CheckProgress(Terminal terminal, int targets) : IProgress<string>
{
    const int Width = 78;

    readonly Lock _lock = new();
    int _done;
    bool _shown;

    public void Report(string value)
    {
        if (!terminal.ErrorIsTerminal)
        {
            return;
        }

        lock (_lock)
        {
            var text = Shown.Plain(_done > 0 ? $"{_done} of {targets} done; {value}" : value);
            terminal.Error.Write($"\r{(text.Length > Width ? text[..Width] : text).PadRight(Width)}");
            _shown = true;
        }
    }

    public void Done(int count)
    {
        lock (_lock)
        {
            _done = count;
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            if (_shown)
            {
                terminal.Error.Write($"\r{new string(' ', Width)}\r");
                _shown = false;
            }
        }
    }
}

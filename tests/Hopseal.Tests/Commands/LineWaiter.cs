using System.Globalization;
using System.Text;

namespace Hopseal.Tests.Commands;

/// <summary>What a command in this process says, and the number at the end of the line that begins with <paramref name="start"/>.</summary>
sealed class LineWaiter(string start) : StringWriter(CultureInfo.InvariantCulture)
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    readonly TaskCompletionSource<int> _number = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override Encoding Encoding => Encoding.UTF8;

    public override Task WriteLineAsync(string? value)
    {
        WriteLine(value);
        return Task.CompletedTask;
    }

    public override void WriteLine(string? value)
    {
        base.WriteLine(value);
        if (value?.StartsWith(start, StringComparison.Ordinal) == true)
        {
            _number.TrySetResult(int.Parse(value.AsSpan(start.Length), CultureInfo.InvariantCulture));
        }
    }

    public Task<int> RestOfLineAsync(CancellationToken cancel) => _number.Task.WaitAsync(s_limit, cancel);
}

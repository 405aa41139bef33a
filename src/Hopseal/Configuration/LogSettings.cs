using Microsoft.Extensions.Logging;

namespace Hopseal.Configuration;

enum LogFormat
{
    /// <summary>Text on a terminal, JSON lines elsewhere.</summary>
    Automatic,
    Text,
    Json,
}

/// <summary>The section <c>Log</c>.</summary>
sealed record LogSettings(LogFormat Format, LogLevel Level)
{
    public static LogSettings Read(Section section)
    {
        var format = section.Find("Format")?.Word("text", "json") switch
        {
            "text" => LogFormat.Text,
            "json" => LogFormat.Json,
            _ => LogFormat.Automatic,
        };
        var level = section.Find("Level")?.Word("Debug", "Information", "Warning", "Error") ?? nameof(LogLevel.Information);
        section.Close();
        return new LogSettings(format, Enum.Parse<LogLevel>(level));
    }
}

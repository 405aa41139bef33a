using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Commands;

/// <summary>The database of records that a command reads, beside a gateway that may be writing to it.</summary>
static class RecordsArgument
{
    /// <param name="configuration">See <see cref="ConfigurationArgument.DataDirectory"/>.</param>
    /// <exception cref="UsageException">The configuration cannot be used, or nothing was ever recorded.</exception>
    public static string Find(string? configuration, Terminal terminal)
    {
        var file = Path.Combine(ConfigurationArgument.DataDirectory(configuration, terminal), RecordsDatabase.FileName);
        return File.Exists(file) ? file : throw new UsageException($"nothing was recorded yet: there is no {file}");
    }

    /// <exception cref="Control.ControlException">The database cannot be read.</exception>
    public static T Read<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SqliteException e)
        {
            throw new Control.ControlException($"the records cannot be read: {e.Message}");
        }
    }
}

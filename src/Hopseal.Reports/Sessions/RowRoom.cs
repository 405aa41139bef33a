using Hopseal.Relay.Stores.Sqlite;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Sessions;

/// <summary>Bounds a table whose rows others name: spammers come from everywhere, and mail goes everywhere. Names beyond so many share one row,
/// <see cref="Others"/>.</summary>
/// <param name="daily">The bound is for each day of the table, not for all of it.</param>
sealed class RowRoom(SqliteConnection connection, string table, string column, int most, bool daily = false) : IDisposable
{
    public const string Others = "(others)";

    readonly Statement _known = new(connection, $"SELECT 1 FROM {table} WHERE {column} = ?1{(daily ? " AND day = ?2" : "")}");
    readonly Statement _count = new(connection, $"SELECT count(*) FROM {table}{(daily ? " WHERE day = ?1" : "")}");
    long _day;
    long? _rows;

    /// <summary>The name whose row is to be used; the caller makes it where it is missing.</summary>
    public string RowFor(string name, long day = 0)
    {
        if ((daily ? _known.Ask(name, day) : _known.Ask(name)) is not null)
        {
            return name;
        }

        if (_rows is null || _day != day)
        {
            (_day, _rows) = (day, daily ? _count.Ask(day) : _count.Ask());
        }

        if (_rows >= most)
        {
            return Others;
        }

        _rows++;
        return name;
    }

    /// <summary>After a rollback, or when rows were deleted, the count is read again.</summary>
    public void Forget() => _rows = null;

    public void Dispose()
    {
        _known.Dispose();
        _count.Dispose();
    }
}

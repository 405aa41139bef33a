using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>A prepared statement that is run many times. Parameters are named <c>$1</c>, <c>$2</c>, … in order.</summary>
sealed class Statement : IDisposable
{
    readonly SqliteCommand _command;

    public Statement(SqliteConnection connection, string sql, int parameters = 0)
    {
        _command = connection.CreateCommand();
#pragma warning disable CA2100 // Every caller passes a constant.
        _command.CommandText = sql;
#pragma warning restore CA2100
        for (var i = 1; i <= parameters; i++)
        {
            _command.Parameters.Add(new SqliteParameter($"${i}", DBNull.Value));
        }

        _command.Prepare();
    }

    public void Run(params ReadOnlySpan<object?> values) => Bind(values).ExecuteNonQuery();

    /// <summary>The first column of the first row; null without a row.</summary>
    public object? Ask(params ReadOnlySpan<object?> values) => Bind(values).ExecuteScalar();

    public SqliteDataReader Read(params ReadOnlySpan<object?> values) => Bind(values).ExecuteReader();

    /// <summary>Lets go of the values: a bound content would otherwise live until the next run.</summary>
    public void Forget()
    {
        foreach (SqliteParameter parameter in _command.Parameters)
        {
            parameter.Value = DBNull.Value;
        }
    }

    public void Dispose() => _command.Dispose();

    SqliteCommand Bind(ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            _command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }

        return _command;
    }
}

using System.CommandLine;
using System.Globalization;
using System.Numerics;

namespace Hopseal.Commands;

static class OptionRange
{
    /// <summary>What is no number at all is told by <see cref="ParseFaults"/>: to ask the library for the value would throw.</summary>
    public static void MustBeWithin<T>(this Option<T> option, T least, T most)
        where T : struct, INumber<T>, IMinMaxValue<T> =>
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var word }] && T.TryParse(word, NumberStyles.Number, CultureInfo.InvariantCulture, out var value) && (value < least || value > most))
            {
                result.AddError($"{option.Name} is {(least == T.Zero && most == T.MaxValue ? "negative" : $"not between {least} and {most}")}");
            }
        });
}

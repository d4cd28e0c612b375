"""The colours of curves and bars, told apart in every colour vision."""

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"

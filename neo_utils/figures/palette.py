"""The colours of all figures. Without Matplotlib, which takes a second to import."""

# After Okabe and Ito, distinguishable without colour vision: https://jfly.uni-koeln.de/color/
# Each colour has one meaning: Earth, other bodies, NEOs, and what is computed from the drawn data.
BLUE, PURPLE, GREEN, ORANGE = "#0072b2", "#a6578a", "#009e73", "#e69f00"
LIGHTER = {BLUE: "#80b8d8", PURPLE: "#d2abc4"}  # of what is predicted: halfway to white
# Text and axes. Figures are transparent, and this grey is readable on white and on black.
INK = "#757575"
